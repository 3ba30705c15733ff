"""Regions: bands, duty cycles, and what we take of them."""

import pytest

from radio.airtime import PRESETS, preset_named
from radio.regions import DEFAULT_DUTY, REGIONS, VOLUNTARY_DUTY, region_named


@pytest.mark.parametrize(
    ("name", "band_khz", "law", "by_default"),
    [
        ("EU_868", (869_400, 869_650), 0.10, 0.05),
        ("EU_433", (433_000, 434_000), 0.10, 0.05),
        ("TH", (920_000, 925_000), 0.10, 0.05),
        ("UA_868", (868_000, 868_600), 0.01, 0.005),
        ("US", (902_000, 928_000), 1.0, 0.10),
        ("ANZ", (915_000, 928_000), 1.0, 0.10),
        ("IN", (865_000, 867_000), 1.0, 0.10),
        ("JP", (920_500, 923_500), 1.0, 0.10),
        ("KR", (920_000, 923_000), 1.0, 0.10),
        ("TW", (920_000, 925_000), 1.0, 0.10),
    ],
)
def test_a_region_is_a_band_and_a_law(name, band_khz, law, by_default):
    region = region_named(name)
    assert (region.low_khz, region.high_khz) == band_khz
    assert region.duty_cycle == law
    assert region.duty() == pytest.approx(by_default)


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.name)
def test_nobody_takes_more_than_the_law_leaves_nor_by_default_more_than_half(region):
    assert region.low_khz < region.high_khz
    assert 0 < region.duty() <= region.duty_cycle / 2
    assert region.duty(1.0) <= min(region.duty_cycle, VOLUNTARY_DUTY)


def test_who_sets_nothing_keeps_to_europe():
    assert DEFAULT_DUTY == 0.05
    with pytest.raises(KeyError):
        region_named("EU868")
    assert len({region.name for region in REGIONS}) == len(REGIONS)


@pytest.mark.parametrize(
    ("region", "preset", "why"),
    [
        ("EU_868", "SHORT_TURBO", "SHORT_TURBO is 500 kHz wide, and EU_868 250 kHz"),
        ("EU_868", "LONG_FAST", ""),
        ("EU_868", "LONG_SLOW", ""),
        ("JP", "LONG_SLOW", "a frame of LONG_SLOW takes 14.3 s, and JP allows 4 s"),
        ("JP", "LONG_MODERATE", "a frame of LONG_MODERATE takes 7.9 s, and JP allows 4 s"),
        ("JP", "LONG_FAST", ""),
        ("UA_868", "SHORT_TURBO", ""),
    ],
)
def test_some_presets_are_too_wide_or_too_slow_for_a_law(region, preset, why):
    assert region_named(region).refusal(preset_named(preset)) == why


def test_the_default_preset_is_legal_everywhere():
    assert [region.name for region in REGIONS if region.refusal(preset_named("LONG_FAST"))] == []
    assert all(not region_named("US").refusal(preset) for preset in PRESETS)
