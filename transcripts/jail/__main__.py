"""The parser's loop: take a job, answer in frames, one for each "more", until the pipe ends."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from typing import IO, Any

from transcripts.jail.frames import read_frame, write_frame
from transcripts.jail.jobs import JOBS
from transcripts.jail.limits import MEGABYTE, confine, renew_processor_time
from transcripts.records import NeedsMapping, UnreadableSource
from transcripts.text import storable


def main() -> None:
    memory, written = int(sys.argv[1]) * MEGABYTE, int(sys.argv[2]) * MEGABYTE
    questions, answers = _streams()
    confine(memory, written)
    # Records are trees: nothing in them waits for the collector, which would walk through every batch.
    gc.disable()
    while frame := read_frame(questions):
        _do(frame[0], questions, answers)
        gc.collect()


def _streams() -> tuple[IO[bytes], IO[bytes]]:
    """Our ends of the pipes, moved away from where a library might print."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return questions, answers


def _do(job: dict[str, Any], questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer one job. The parent asks for each frame after the first, or says "stop"."""
    try:
        frames = JOBS[job["do"]](job)
        for head, blob in frames:
            write_frame(answers, head, blob)
            renew_processor_time()
            asked = read_frame(questions)
            if asked is None or asked[0]["do"] == "stop":
                frames.close()  # type: ignore[attr-defined]  # they are generators: readers keep their place
                break
        end: dict[str, Any] = {"end": True}
    except NeedsMapping as error:
        end = {"needs_mapping": str(error), "proposal": error.proposal}
    except UnreadableSource as error:
        end = {"unreadable": storable(str(error))}
    except FileNotFoundError:
        end = {"missing": True}
    except MemoryError:
        end = {"memory": True}
    except Exception:  # the parent logs it: a fault of ours, not of the file
        end = {"fault": traceback.format_exc()}
    write_frame(answers, end)


if __name__ == "__main__":
    main()
