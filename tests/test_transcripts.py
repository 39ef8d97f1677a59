"""Every transcript at every door."""

import pytest

import doors
import transcript

SOON = 1        # a deadline in seconds, where it is what is waited for


def cases():
    """One case for each door, mode and transcript that go together."""
    for script in transcript.load():
        for door in doors.DOORS:
            if any(script.has(verb) for verb in door.lacks):
                continue
            for mode in script.modes:
                if mode in door.modes:
                    yield pytest.param(
                        door, mode, script,
                        id=f"{door.name}-{mode}-{script.path.stem}")


@pytest.mark.parametrize("door_type, mode, script", cases())
def test_transcript(standing_doors, door_type, mode, script):
    """The conversation goes as it is written."""
    door = standing_doors[door_type]
    if door.missing():
        pytest.skip(door.missing())
    hurry = script.has("wait deadline")
    with door.open(mode, SOON if hurry else doors.NO_HURRY) as talk:
        transcript.play(script, talk)
