"""How long results of checks are kept."""

from pathlib import Path

from tasks.checks import docs


def results(folder: Path) -> set[str]:
    return {path.parent.name for path in (folder / "gx").rglob("*.*") if path.is_file()}


def test_the_newest_checks_stay(tmp_path: Path) -> None:
    for night in range(1, 6):
        for place in ("gx/uncommitted/validations", f"{docs.PLACE}/validations"):
            for table in ("words", "turns"):
                made = tmp_path / place / table / f"2026-11-0{night} 04.30.00"
                made.mkdir(parents=True)
                (made / "result.json").touch()
    keys = tmp_path / docs.PLACE / "expectations" / "words.html"
    keys.parent.mkdir()
    keys.touch()
    assert docs.forget_old(tmp_path, keep=2) == 3
    assert results(tmp_path) == {"2026-11-04 04.30.00", "2026-11-05 04.30.00", "expectations"}
    assert docs.forget_old(tmp_path, keep=2) == 0


def test_nothing_was_checked_yet(tmp_path: Path) -> None:
    assert docs.forget_old(tmp_path, keep=2) == 0


def test_a_way_out_is_not_taken(tmp_path: Path) -> None:
    """Others may have written into the folder: a table that is a link to somebody's documents."""
    theirs = tmp_path / "theirs"
    (theirs / "2026").mkdir(parents=True)
    place = tmp_path / "quality" / "gx/uncommitted/validations"
    place.mkdir(parents=True)
    (place / "words").symlink_to(theirs)
    assert docs.forget_old(tmp_path / "quality", keep=0) == 0
    assert (theirs / "2026").is_dir()
