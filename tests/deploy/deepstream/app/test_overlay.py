from __future__ import annotations

import numpy as np

from face_record import FaceRecord
from gallery import Match
from overlay import draw
from tests.deploy.deepstream.app.conftest import Play
from tests.deploy.deepstream.app.service_maker_stand_in import BatchMetadata, Frame

POINTS = np.array([[10.9, 20], [30, 20], [20, 30], [12, 40], [-1, 40]], np.float32)
BOX = np.array([10.5, 50, 30, 90], np.float32)


def test_landmarks_and_names_are_drawn_into_their_own_frame(play: Play) -> None:
    play(lambda _: [])
    frames = [Frame(source_id=1, frame_number=7), Frame(frame_number=7), Frame(source_id=1, frame_number=8)]
    matches = Match("L\u00f6w", 0.713), Match("Ada", 0.6)
    draw(BatchMetadata(*frames), [FaceRecord(1, 7, 0, None, 0.9, BOX, POINTS, matches=matches)])
    ((display,), *others) = (frame.displayed for frame in frames)
    assert others == [[], []]
    assert [(circle.xc, circle.yc) for circle in display.circles] == [(10, 20), (30, 20), (20, 30), (12, 40)]
    (text,) = display.texts
    assert (text.display_text, text.x_offset, text.y_offset) == (b"L?w 0.71", 10, 26)


def test_a_face_at_the_edge_has_its_name_inside(play: Play) -> None:
    play(lambda _: [])
    frame, box = Frame(), np.array([-5, 3, 30, 90], np.float32)
    draw(BatchMetadata(frame), [FaceRecord(0, 0, 0, None, 0.9, box, matches=(Match("Ada", 1),))])
    assert (frame.displayed[0].texts[0].x_offset, frame.displayed[0].texts[0].y_offset) == (0, 0)


def test_more_faces_than_one_display_holds_are_drawn(play: Play) -> None:
    play(lambda _: [])
    frame = Frame()
    draw(BatchMetadata(frame), [FaceRecord(0, 0, 0, None, 0.9, BOX, POINTS) for _ in range(50)])
    assert sum(len(display.circles) for display in frame.displayed) == 200
