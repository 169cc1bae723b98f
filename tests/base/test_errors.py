"""Faults say where, what was found and what was expected; they are collected, sorted and raised once."""

from karvan.base.errors import Fault, InputError, KarvanError, StudyFaults, UnknownName, nearest


def test_a_fault_reads_as_a_sentence() -> None:
    fault = Fault("plants.csv", 12, "nameplate", "'-5'", "a number of at least 0 (cars per year)", "drop the sign")
    assert str(fault) == (
        "plants.csv:12: nameplate: found '-5'; expected a number of at least 0 (cars per year) (drop the sign)"
    )
    assert str(Fault("plants.csv", 0, "", "an empty file", "a header row")) == (
        "plants.csv: found an empty file; expected a header row"
    )


def test_faults_are_sorted_and_counted_once() -> None:
    one, two, ten = (Fault("a.csv", line, "x", "y", "z") for line in (1, 2, 10))
    raised = StudyFaults("mine", [ten, two, one, two])
    assert raised.faults == (one, two, ten)
    assert str(raised).splitlines()[0] == "mine: 3 faults"
    assert str(StudyFaults("mine", [one])).splitlines()[0] == "mine: 1 fault"


def test_one_family() -> None:
    assert issubclass(InputError, KarvanError) and issubclass(InputError, ValueError)
    assert issubclass(UnknownName, KarvanError) and issubclass(UnknownName, LookupError)


def test_nearest_names() -> None:
    known = ["duty_rate", "vat_rate", "freight"]
    assert nearest("dutty_rate", known).startswith("did you mean 'duty_rate'")
    assert nearest("frei", known) == "did you mean 'freight'?"
    assert nearest("qqqq", known) == ""
    assert nearest("", known) == ""
