"""The pytest plugin of the wheel, by pytest's own tester."""

import json

import pytest

PROJECT = """
import pytest
import unittest

kept = []

@pytest.mark.limit_memory("1 MB")
def test_within():
    assert bytearray(500_000)

@pytest.mark.limit_memory("1 MB")
def test_above():
    buffer = bytearray(2_000_000)
    assert buffer

@pytest.mark.limit_leaks("10 KB", warmups=2)
def test_leak():
    kept.append(bytearray(100_000))

@pytest.mark.limit_leaks("10 KB", warmups=2)
def test_cache(cache=[]):
    if not cache:
        cache.append(bytearray(100_000))

@pytest.mark.limit_memory("1 MB")
class TestCase(unittest.TestCase):
    def test_in_a_class(self):
        self.assertTrue(bytearray(3_000_000))

def test_plain():
    assert bytearray(SIZE)
"""


def project(pytester, size=200_000):
    pytester.makepyfile(test_project=PROJECT.replace("SIZE", str(size)))


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["one process", "xdist"])
def test_markers_fail_with_the_lines_responsible(pytester, options):
    project(pytester)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines_random(
        [
            "The test used 1.9 MiB; limit_memory allows 1.0 MiB. Lines with most:",
            "*1.9 MiB*test_project.py:12 test_above",
            "The test kept 97.? KiB; limit_leaks allows 10.0 KiB. Lines with most:",
            "*97.? KiB*test_project.py:17 test_leak",
            "*2.9 MiB*test_project.py:27 *test_in_a_class",
        ]
    )


def test_figures_are_exact(pytester):
    project(pytester)
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "plain", "--alloctrace-save=base.json")
    measure = json.loads((pytester.path / "base.json").read_text())["tests"]["test_project.py::test_plain"]
    assert 200_001 <= measure["peak"] < 203_000
    assert measure["kept"] < 3_000


def test_growth_fails_against_a_baseline(pytester):
    project(pytester)
    options = ["-p", "no:cacheprovider", "-k", "plain"]
    assert pytester.runpytest_subprocess(*options, "--alloctrace-save=base.json").ret == 0
    same = pytester.runpytest_subprocess(*options, "--alloctrace-compare=base.json", "--fail-growth=5%")
    assert same.ret == 0
    same.stdout.fnmatch_lines(["no test's memory grew"])
    project(pytester, size=250_000)
    grown = pytester.runpytest_subprocess(*options, "--alloctrace-compare=base.json", "--fail-growth=5%")
    assert grown.ret == 1
    grown.stdout.fnmatch_lines(["test_project.py::test_plain: peak 19?.? KiB -> 24?.? KiB (+2? %)"])


def test_summary_shows_the_tests_with_most(pytester):
    project(pytester)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2", "--alloctrace", "--alloctrace-tests=1")
    result.stdout.fnmatch_lines(
        ["*tests by memory: allocated*", "*2.9 MiB*test_in_a_class", "*tests by memory: kept*", "*97.? KiB*test_leak", "*tests by memory: peak*"]
    )


def test_wrong_options_are_said(pytester):
    project(pytester)
    result = pytester.runpytest_subprocess("--fail-growth=5%")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*give --alloctrace-compare FILE.json"])
