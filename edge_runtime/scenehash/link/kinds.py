"""The kinds of blocks in a bundle, by number."""

STATE = 1  # how far the sender is, and its digest tree
RECEIPT = 2  # what the sender has of the addressee's
EVENTS = 3  # the sender's events
GONE = 4  # rows whose tiles were deleted
PIECES = 5  # tiles
THUMBNAILS = 6  # small pictures of tiles that were asked for
ALERTS = 7  # a watch list
JUDGEMENTS = 8  # tiles that were confirmed or rejected as matches of an alert
QUESTIONS = 9  # queries
ANSWERS = 10  # and what was found
FILES = 11  # a part of a model file
ANNOTATIONS = 12  # labels and paths of scenes that have changed since these went
NAMES = {
    STATE: "state",
    RECEIPT: "receipt",
    EVENTS: "events",
    GONE: "deletions",
    PIECES: "tiles",
    THUMBNAILS: "thumbnails",
    ALERTS: "alerts",
    JUDGEMENTS: "judgements",
    QUESTIONS: "questions",
    ANSWERS: "answers",
    FILES: "models",
    ANNOTATIONS: "annotations",
}


def name(kind: int) -> str:
    """The name of a kind, for a person."""
    return NAMES.get(kind, f"a block of kind {kind}")
