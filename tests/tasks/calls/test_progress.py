"""How far a stage is, as whoever looks is told."""

from tasks.calls.progress import advance, listen, share_of


def test_what_consists_of_shares_advances_once() -> None:
    told: list[tuple[str, float]] = []
    undo = listen(lambda stage, fraction: told.append((stage, fraction)))
    try:
        for channel in range(2):
            with share_of(channel, 2):
                for done in (0.5, 1.0, 7.0):
                    advance("transcribe", done)
        advance("tag", 0.5)
    finally:
        undo()
    assert told == [*(("transcribe", done) for done in (0.25, 0.5, 0.5, 0.75, 1.0, 1.0)), ("tag", 0.5)]
