"""What a person reads in the log of a run that failed."""

import logging

import pytest
from prefect import flow

import flows  # noqa: F401  (importing it is what changes the log)
from containers.common.errors import MediaError


@flow
def refusing() -> None:
    raise MediaError("talk.mp4 has neither audio nor video.")


@flow
def broken() -> None:
    raise ZeroDivisionError("ours to mend")


@pytest.fixture(scope="module", autouse=True)
def server():
    from prefect.testing.utilities import prefect_test_harness  # the whole of Prefect's server

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.mark.slow
def test_a_users_mistake_is_one_sentence_without_a_traceback(caplog):
    with pytest.raises(MediaError):
        refusing()
    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert any("talk.mp4 has neither audio nor video." in record.getMessage() for record in records)
    assert not any(record.exc_info for record in records)


@pytest.mark.slow
def test_a_fault_of_ours_keeps_its_traceback(caplog):
    with pytest.raises(ZeroDivisionError):
        broken()
    assert any(record.exc_info for record in caplog.records)
