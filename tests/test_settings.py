from __future__ import annotations

import pytest

from batchproof.errors import InputError
from batchproof.policy import load_policy
from batchproof.profile import EngineProfiles
from batchproof.profile_choice import ProfileChoice
from batchproof.settings import Settings
from batchproof.zoo.pack import DEMO


def test_profiles_for_other_packs_are_refused_before_any_work() -> None:
    foreign = ProfileChoice(models={"det_10g": (EngineProfiles(),)})
    with pytest.raises(InputError, match="no model of pack demo"):
        Settings(foreign, None, load_policy()).check(DEMO)
    Settings(ProfileChoice(), None, load_policy()).check(DEMO)
