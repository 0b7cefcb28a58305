"""The month of `make month`, in small: what each way of sending the same calls costs and keeps."""

import pytest
from bench.month.__main__ import POLICIES, month_row, saved_at
from bench.month.mix import MIX as FILE
from bench.month.mix import read_mix
from msgspec.structs import replace

MIX = replace(read_mix(), days=2, calls=200)


@pytest.fixture(scope="module")
def months(tmp_path_factory):
    place = tmp_path_factory.mktemp("month")
    return [play(MIX, place / play.__name__) for play in POLICIES]


def test_every_way_sends_the_same_calls_and_keeps_its_promises(months):
    assert [one.calls for one in months] == [MIX.calls] * len(POLICIES)
    assert [one.late for one in months] == [0] * len(POLICIES)


def test_with_a_quarter_of_the_calls_sync_the_bill_falls_by_more_than_30_of_100(months):
    sync, nightly, routed = months
    assert sync.sync_calls == MIX.calls
    assert nightly.sync_calls == routed.sync_calls == MIX.calls / 4
    assert 0.30 < 1 - nightly.paid / sync.paid < 0.50
    assert routed.paid < nightly.paid


def test_the_table_of_shares_is_computed_from_the_months_and_meets_them_at_their_own(months):
    sync, nightly, routed = months
    # A quarter of the mix is urgent, so at 25 of 100 the table is what was played.
    assert saved_at(MIX, months, 25) == [month_row(one, sync)[2] for one in (nightly, routed)]


def test_what_is_saved_falls_with_the_share_that_somebody_waits_for(months):
    shares = [
        [float(cell.split()[0]) for cell in saved_at(MIX, months, n)] for n in range(0, 101, 25)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == [0.0, 0.0]
    assert shares[0][0] == 50.0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("share = 0.22", "share = 0.32"), "the shares add up to 1.1, not to 1"),
        (("urgent = true", "hasty = true"), "Object contains unknown field `hasty`"),
        (("share = 0.22", "share ="), "Invalid value"),
    ],
)
def test_a_mix_that_makes_no_sense_is_told_in_one_line(tmp_path, change, told):
    mix = tmp_path / "mix.toml"
    mix.write_text(FILE.read_text().replace(*change))

    with pytest.raises(SystemExit, match=told) as ended:
        read_mix(mix)

    assert str(ended.value).startswith(str(mix))


def test_a_mix_that_is_not_there_is_told_in_one_line(tmp_path):
    with pytest.raises(SystemExit, match="No such file"):
        read_mix(tmp_path / "mix.toml")
