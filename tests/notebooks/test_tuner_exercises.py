"""The exercises of part 5: the solutions give what the text says, and a wrong answer gives something else."""

import os
import tempfile
from types import SimpleNamespace

import keras_tuner as kt
import nbformat
import numpy as np
import pytest
from keras import optimizers
from sklearn.metrics import roc_auc_score

from data_prework.files import PROJECT
from helpers.metrics import compare
from helpers.run import Run
from tests.notebooks.lesson_cells import ran

FOLDER = PROJECT / "notebooks" / "05_keras_tuner"
LESSONS = {path.stem[0]: nbformat.read(path, as_version=4).cells for path in sorted(FOLDER.glob("*.ipynb"))}
QUICK = Run("5", 7, "quick", "embedded", "2 CPU cores", PROJECT / "results")


def solution(lesson: str, number: int) -> str:
    """The source of a lesson's first or second solution."""
    return [cell.source for cell in LESSONS[lesson] if "solution" in cell.metadata.get("tags", [])][number - 1]


def cell(lesson: str, words: str) -> str:
    """The source of the first code cell of a lesson that has these words."""
    return next(cell.source for cell in LESSONS[lesson] if cell.cell_type == "code" and words in cell.source)


KERAS = SimpleNamespace(optimizers=optimizers)


def test_adam_comes_without_a_momentum_and_sgd_with_one():
    choose = ran(solution("1", 1), kt=kt, keras=KERAS)[0]["choose_optimizer"]
    adam = kt.HyperParameters()
    assert isinstance(choose(adam), optimizers.Adam) and "momentum" not in adam.values
    sgd = kt.HyperParameters()
    sgd.values["optimizer"] = "sgd"
    assert isinstance(choose(sgd), optimizers.SGD) and 0 <= sgd.values["momentum"] <= 0.9


def test_without_a_conditional_scope_a_search_would_propose_a_momentum_for_adam():
    scoped = solution("1", 1)
    scope = '    with hp.conditional_scope("optimizer", ["sgd"]):\n        momentum'
    assert scope in scoped
    found = {}
    for name, source in (("scope", scoped), ("none", scoped.replace(scope, "    momentum"))):
        oracle = kt.oracles.RandomSearchOracle("val_loss", max_trials=1, seed=1)
        hp = kt.HyperParameters()
        hp.values["optimizer"] = "sgd"
        ran(source, kt=kt, keras=KERAS)[0]["choose_optimizer"](hp)
        oracle.update_space(hp)
        momentum = next(p for p in oracle.get_space().space if p.name == "momentum")
        found[name] = bool(momentum.conditions)
    assert found == {"scope": True, "none": False}


def test_the_traps_that_the_lesson_names_are_there():
    seeds = {kt.oracles.RandomSearchOracle("val_loss", max_trials=1, seed=0).seed for _ in range(20)}
    assert len(seeds) > 1
    hp = kt.HyperParameters()
    hp.Float("dropout", 0, 0.5, step=0.1)
    assert {round(hp.space[0].prob_to_value(p), 3) for p in np.linspace(0, 0.999, 50)} == {0, 0.1, 0.2, 0.3, 0.4}


def test_a_search_of_the_changed_network_in_the_old_folder_trains_nothing(tmp_path):
    trained = []

    class Counted(kt.RandomSearch):
        def run_trial(self, trial, *args, **options):
            trained.append(trial.trial_id)
            return {"val_auc": 0.9}

    def build_s3_m4(hp):
        hp.Int("units", 1, 100)
        return SimpleNamespace(compile=lambda *args, **options: None)

    def open_again(build):
        return Counted(build, kt.Objective("val_auc", "max"), 2, directory=tmp_path, seed=7)

    resumed = open_again(build_s3_m4)
    resumed.search(verbose=0)
    made = SimpleNamespace(metrics=SimpleNamespace(AUC=lambda name: name))
    _, said = ran(
        solution("1", 2), keras=made, build_s3_m4=build_s3_m4, open_again=open_again, resumed=resumed, fit={}, run=QUICK
    )
    assert trained == ["0", "1"] and "best before 0.9000, with SGD 0.9000" in said
    fresh = Counted(build_s3_m4, kt.Objective("val_auc", "max"), 2, directory=tmp_path, seed=7, overwrite=True)
    fresh.search(verbose=0)
    assert len(trained) == 4


@pytest.fixture(scope="module")
def plan():
    return ran(cell("2", "def hyperband_plan("))[0]["hyperband_plan"]


def test_the_costs_of_hyperband_are_those_of_the_text(plan):
    cost = ran(solution("2", 1), hyperband_plan=plan)[0]["cost"]
    assert (cost(6, 3), cost(9, 3), cost(8, 4)) == (36, 75, 48)
    trials = sum(trials for _, trials, _, _ in plan(6, 3))
    full_length = sum(trials * after for _, trials, _, after in plan(6, 3))
    assert 36 not in (trials, full_length)  # the number of trials, and the first epochs counted twice


def test_the_plan_is_what_keras_tuner_runs(plan, tmp_path):
    spent = []

    class Noted(kt.Hyperband):
        def run_trial(self, trial, *args, **options):
            values = trial.hyperparameters.values
            spent.append((values["tuner/bracket"], values["tuner/initial_epoch"], values["tuner/epochs"]))
            return {"val_auc": values["x"]}

    def build(hp):
        hp.Float("x", 0, 1)

    Noted(build, kt.Objective("val_auc", "max"), max_epochs=6, factor=3, directory=tmp_path, seed=7).search(verbose=0)
    expected = [(bracket, before, after) for bracket, trials, before, after in plan(6, 3) for _ in range(trials)]
    assert sorted(spent) == sorted(expected)


def test_another_order_of_the_trials_moves_the_best_after_two():
    scores = np.repeat([0.80, 0.82, 0.84, 0.86, 0.88, 0.90], 6)
    full = Run("5.2", 7, "full", "embedded", "2 CPU cores", PROJECT / "results")
    found = {"Random": [SimpleNamespace(spent=[(score, 0.9) for score in scores])]}
    names, _ = ran(solution("2", 2), np=np, found=found, run=full)
    assert 0.81 < names["low"] <= 0.84 and names["high"] == 0.90
    six = [names["rng"].permutation(names["by_trial"]).max() for _ in range(20)]
    assert set(six) == {0.90}  # after all six, the order doesn't matter


def test_with_fewer_images_to_choose_by_the_winner_promises_more():
    rng = np.random.default_rng(3)
    labels = np.arange(160) % 2
    on_val = [labels + rng.normal(scale=1.2, size=160) for _ in range(12)]  # equal networks
    few = np.arange(40)
    test_auc = np.full(12, 0.72)
    val = SimpleNamespace(labels=labels)
    searches = ran(cell("3", "def searches("), np=np, test_auc=test_auc, val_auc=test_auc, trials=range(12))[0][
        "searches"
    ]
    names, _ = ran(
        solution("3", 1),
        np=np,
        roc_auc_score=roc_auc_score,
        val=val,
        few=few,
        on_val=on_val,
        trials=range(12),
        searches=searches,
    )
    all_of_them = np.array([roc_auc_score(labels, prob) for prob in on_val])
    assert names["seems"] - names["has"] > searches(12, all_of_them)[0] - 0.72 > 0


class Labels:
    """A lesson test of labels alone."""

    def __init__(self, count: int):
        self.labels = np.arange(count) % 2

    def __len__(self) -> int:
        return len(self.labels)


def test_chance_alone_looks_clear_until_holm_corrects_for_it():
    names, _ = ran(solution("3", 2), np=np, compare=compare, test=Labels(60))
    assert names["any_clear"]["alone"] > names["any_clear"]["Holm"]


def test_keras_tuner_notices_a_missing_name_and_not_a_missing_address():
    before = dict(os.environ)

    def build_cnn(hp):
        hp.Int("units", 1, 3)

    names, said = ran(solution("4", 1), os=os, tempfile=tempfile, build_cnn=build_cnn)
    assert names["noticed"] == [True, False] and "KERASTUNER_TUNER_ID" in said
    assert dict(os.environ) == before


def test_a_lost_trial_is_one_that_runs_on_a_worker_that_is_not_alive():
    example = ran(cell("4", "example ="))[0]["example"]
    names, said = ran(solution("4", 2), example=example)
    assert said.splitlines() == ["['2']", "[]"]
    running = [trial for trial, (status, _) in example.items() if status == "RUNNING"]
    done = [trial for trial, (_, worker) in example.items() if worker not in {"tuner0"}]
    assert ["2"] not in (running, done)  # of all that run, or of all whose worker is gone
    assert names["lost_trials"](example, set()) == ["1", "2"]
