"""`scenehash trust`, `sign` and `verify`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from .console import AsJson, UsageError, counted, notice, report
from .register import register_command, register_group

KeyFile = Annotated[
    Path, typer.Option("--key", metavar="KEY", help="Use this file of a private key.")
]
SignedFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="Take this file, a model or any other.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = register_group(app, "trust", "Say whose models and bundles this machine takes.")
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
            metavar="[KEY]",
            help="Write the private key here; without KEY: make this machine's own key, used to "
            "sign bundles.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key: the private part in KEY, the public part in KEY.pub.

    Keep KEY to yourself; a station needs KEY.pub.
    """
    from scenehash.trust import make_key
    from scenehash.trust.paths import signing_key_path

    if out is None:
        out = signing_key_path()
        out.parent.mkdir(parents=True, exist_ok=True)
    key = make_key(out)
    document = {"key": key, "private": str(out), "public": f"{out}.pub"}
    report(document, as_json, f"{out}: key {key}; stations take {out}.pub")


def add_command(
    public: Annotated[
        Path, typer.Argument(metavar="KEY.pub", help="Trust the public key in this file.")
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name the key (default: the name of its file).")
    ] = "",
    expires: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Trust it until this day, UTC."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Trust a key from now on.

    Once a key is added, only models and bundles signed by a trusted key are accepted.
    """
    from scenehash.trust import add_key, read_state, state_path

    until = None if expires is None else expires.replace(hour=23, minute=59, tzinfo=UTC)
    had_keys = bool(read_state(state_path()).keys)
    key = add_key(public, name or public.name.removesuffix(".pub"), until)
    document = {"key": key, "trust": str(state_path())}
    if not had_keys:
        notice(
            "from now on models and bundles need a signature by a trusted key; sign the models of "
            "stores that were adapted before: "
            "scenehash sign STORE/model-HASH.onnx --key KEY --series STORE"
        )
    report(document, as_json, f"{state_path()}: key {key} is trusted")


def list_command(as_json: AsJson = False) -> None:
    """List the trusted keys, and the newest of what they signed."""
    from scenehash.trust import read_state, state_path

    path = state_path()
    state = read_state(path)
    document = {"trust": str(path), **state.model_dump(mode="json", include={"keys", "series"})}
    lines = [
        f"key {key}  {one.name}"
        + ("" if one.expires is None else f"  until {one.expires:%Y-%m-%d}")
        + ("" if one.revoked is None else f"  revoked {one.revoked:%Y-%m-%d}")
        for key, one in state.keys.items()
    ]
    lines += [f"series {name}  number {seen.number}" for name, seen in state.series.items()]
    none = "" if state.keys else ": models and bundles are taken from anyone"
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
            help="Set the series that this file is a version of (default: the name in the model).",
        ),
    ] = None,
    number: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Set the number of this version (default: seconds since 1970).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign a file: write FILE.sig beside it.

    Of a series, a station takes no lower number than the highest that it has seen.
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
    """Check a file as this machine would before it takes it.

    Exit status 1, with the reason, when it is refused. Nothing is remembered.
    """
    from scenehash.model.trusted import verify_model
    from scenehash.trust import Verifier

    verifier = Verifier()
    if not verifier.has_keys:
        raise UsageError("by whose key? Name one first: scenehash trust add KEY.pub")
    trusted = verify_model(file) if file.suffix == ".onnx" else verifier.verify(file)
    document = {"file": str(file), **trusted.model_dump(mode="json")}
    by = "made here" if trusted.key is None else f"by the key {trusted.key}"
    report(
        document,
        as_json,
        f"{file}: trusted, version {trusted.number} of the series {trusted.series}, {by}",
    )
