from __future__ import annotations

import pytest

from batchproof.errors import InputError
from batchproof.policy import load_policy
from batchproof.profile import EngineProfiles
from batchproof.profile_choice import ProfileChoice
from batchproof.settings import EngineSettings, Settings
from batchproof.zoo.pack import DEMO


def test_profiles_for_other_packs_are_refused_before_any_work() -> None:
    foreign = ProfileChoice(models={"det_10g": (EngineProfiles(),)})
    with pytest.raises(InputError, match="no model of pack demo"):
        Settings(foreign, None, load_policy()).check(DEMO)
    Settings(ProfileChoice(), None, load_policy()).check(DEMO)


def test_an_asked_precision_and_each_profile_must_be_of_use_to_every_target() -> None:
    both = ("deepstream-8.0", "deepstream-7.0")
    EngineSettings(targets=both).check([EngineProfiles.parse("1,16,32")])
    with pytest.raises(InputError, match=r"deepstream-7\.0 builds no fp16 engines"):
        EngineSettings(targets=both, precisions=("fp32", "fp16")).check()
    with pytest.raises(InputError, match="executes profile 0 alone"):
        EngineSettings(targets=both).check([EngineProfiles.parse("1+1,16,32")])
    with pytest.raises(InputError, match="takes no fewer than 16 images"):
        EngineSettings(targets=both).check([EngineProfiles.parse("16,16,32")])
