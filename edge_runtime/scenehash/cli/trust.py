"""`scenehash trust`, `sign` and `verify`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from .console import AsJson, UsageError, counted, notice, report
from .register import register_command, register_group

KeyFile = Annotated[
    Path, typer.Option("--key", metavar="KEY", help="Sign with the private key in this file.")
]
SignedFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="Use this file: a model or any other file.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = register_group(app, "trust", "Choose whose models and bundles this machine accepts.")
    register_command(group, key_command, "scenehash trust key ground.pem", "scenehash trust key")
    register_command(
        group,
        add_command,
        "scenehash trust add ground.pem.pub --name ground",
        "scenehash trust add ground.pem.pub --name ground --expires 2028-01-31",
    )
    register_command(group, list_command, "scenehash trust list")
    register_command(group, revoke_command, "scenehash trust revoke ground")
    register_command(
        app,
        sign_command,
        "scenehash sign model.onnx --key ground.pem",
        "scenehash sign model.onnx --key ground.pem --series harbors --number 7",
    )
    register_command(app, verify_command, "scenehash verify model.onnx")


def key_command(
    out: Annotated[
        Path | None,
        typer.Argument(
            metavar="KEY",
            help="Write the private key to this file; without KEY, make the key with which this "
            "machine signs bundles.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a private key and its public key.

    The private key is in KEY, the public key in KEY.pub. Keep KEY secret. A station needs KEY.pub.
    """
    from scenehash.trust import make_key
    from scenehash.trust.paths import signing_key_path

    if out is None:
        out = signing_key_path()
        out.parent.mkdir(parents=True, exist_ok=True)
    key = make_key(out)
    document = {"key": key, "private": str(out), "public": f"{out}.pub"}
    report(document, as_json, f"{out}: key {key}; stations need {out}.pub")


def add_command(
    public: Annotated[
        Path, typer.Argument(metavar="FILE", help="Trust the public key in this file.")
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name the key.", show_default="the name of its file"),
    ] = None,
    expires: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DATE", help="Trust the key until this day, UTC."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Trust a key from now on.

    From then on, this machine accepts only models and bundles that a trusted key has signed.
    """
    from scenehash.trust import add_key, read_state, state_path
    from scenehash.trust.state import clock

    until = None if expires is None else expires.replace(hour=23, minute=59, tzinfo=UTC)
    state = read_state(state_path())
    key = add_key(public, name or public.name.removesuffix(".pub"), until)
    document = {"key": key, "trust": str(state_path())}
    if not state.keys:
        notice(
            "from now on models and bundles need a signature by a trusted key; sign the models of "
            "stores that you adapted before: "
            "scenehash sign STORE/model-HASH.onnx --key KEY --series STORE"
        )
    if until is not None and until < state.now(clock()):
        notice(f"the key expired on {until:%Y-%m-%d}: no new file of it is accepted")
    report(document, as_json, f"{state_path()}: key {key} is trusted")


def list_command(as_json: AsJson = False) -> None:
    """List the trusted keys, and the series that they signed."""
    from scenehash.trust import read_state, state_path
    from scenehash.trust.state import clock

    path = state_path()
    state = read_state(path)
    document = {"trust": str(path), **state.model_dump(mode="json", include={"keys", "series"})}
    lines = [
        f"key {key}  {one.name}"
        + ("" if one.expires is None else _end(one.expires, state.now(clock())))
        + ("" if one.revoked is None else f"  revoked {one.revoked:%Y-%m-%d}")
        for key, one in state.keys.items()
    ]
    lines += [f"series {name}  number {seen.number}" for name, seen in state.series.items()]
    none = "" if state.keys else ": this machine accepts models and bundles from anyone"
    report(document, as_json, *lines, f"{path}: {counted(len(state.keys), 'key')}{none}")


def revoke_command(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Revoke the key of this name or id.")],
    as_json: AsJson = False,
) -> None:
    """Stop trusting a key and everything it has signed."""
    from scenehash.trust import revoke_key, state_path

    revoked = revoke_key(key)
    report({"key": revoked}, as_json, f"{state_path()}: key {revoked} is revoked")


def sign_command(
    file: SignedFile,
    key: KeyFile,
    series: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Set the series that this file is a version of.",
            show_default="the name in the model",
        ),
    ] = None,
    number: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Set the number of this version.",
            show_default="seconds since 1970",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign a file, and write the signature to FILE.sig.

    A station refuses a version whose number is lower than the highest number that the station has
    seen in this series.
    """
    from scenehash.model.trusted import sign_model
    from scenehash.trust import SIGNATURE_SUFFIX, sign_file

    if file.suffix == ".onnx":
        claim = sign_model(file, key, series, number)
    else:
        claim = sign_file(file, key, "file", series or file.name, number)
    document = {"signature": f"{file}{SIGNATURE_SUFFIX}", **claim.model_dump(mode="json")}
    summary = f"{claim.kind}, number {claim.number} of {claim.series}, by the key {claim.key}"
    report(document, as_json, f"{file}{SIGNATURE_SUFFIX}: {summary}")


def verify_command(file: SignedFile, as_json: AsJson = False) -> None:
    """Check whether this machine accepts a file.

    If not, the command prints the reason, and the exit status is 1. The check leaves no record.
    """
    from scenehash.model.trusted import is_shipped, verify_model
    from scenehash.trust import Verifier

    verifier = Verifier()
    if not verifier.has_keys:
        raise UsageError("this machine trusts no key yet; add one: scenehash trust add KEY.pub")
    is_model = file.suffix == ".onnx"
    if is_model and file.is_file() and is_shipped(file):
        trusted = None
    else:
        trusted = verify_model(file) if is_model else verifier.verify(file)
    facts = {} if trusted is None else trusted.model_dump(mode="json")
    document = {"file": str(file), "shipped": trusted is None, **facts}
    if trusted is None:
        why = "it came with scenehash"
    elif trusted.series is None:
        why = "made here"
    else:
        why = f"number {trusted.number} of {trusted.series}, by the key {trusted.key}"
    report(document, as_json, f"{file}: trusted, {why}")


def _end(expires: datetime, now: datetime) -> str:
    return f"  {'expired' if expires < now else 'until'} {expires:%Y-%m-%d}"
