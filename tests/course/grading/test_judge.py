"""The judge: right answers pass, and nothing that a student's code does to its own interpreter earns a point."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from helpers.assignment import LIMITS, read_settings
from helpers.course.grading.assignments.release import assignments
from helpers.course.grading.judge import canary
from helpers.course.grading.judge.plan import make_plan
from helpers.course.grading.judge.values.codec import decode, encode
from helpers.course.grading.judge.values.refusals import NotPlainError, OwnClassError
from helpers.course.grading.submissions.job import Job
from helpers.course.grading.wall.choice import BUBBLEWRAP, LANDLOCK, NONE, why_not_bubblewrap
from helpers.course.grading.wall.landlock import version
from tests.course.grading.sheet import read_answers
from tests.course.grading.test_answers import need
from tests.course.grading.two import LocalRoom, TwoSheets
from tests.weekly import WEEKLY

SETTINGS = read_settings()
NAMES = assignments(SETTINGS) if WEEKLY else ["01_explore"]
WALL = BUBBLEWRAP if not why_not_bubblewrap() else LANDLOCK if version() else NONE


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    "value",
    [None, True, 3, 2**80, -(2**60), 0.1, float("inf"), "ä\n", 2j, b"\0a", (1, [2, {"a": {3}}]), {(1, 2): None},
     range(2, 9, 3), frozenset({1})],
    ids=str,
)  # fmt: skip
def test_a_plain_value_arrives_as_it_was(value):
    got = decode(json.loads(json.dumps(encode(value))))
    assert got == value and type(got) is type(value)


@pytest.mark.parametrize(
    "array",
    [np.arange(6).reshape(2, 3), np.float32(0.5), np.array([True, False]), np.array(["a", "bc"]), np.bool_(True),
     np.array([None, 1, "x"], dtype=object), np.array("2026-01-01", "M8[D]"), np.zeros((0, 3)), np.array(7)],
    ids=str,
)  # fmt: skip
def test_an_array_keeps_its_type_and_shape(array):
    got = decode(json.loads(json.dumps(encode(array))))
    assert type(got) is type(array) and got.dtype == array.dtype and got.shape == array.shape
    assert np.array_equal(got, array)


def test_a_table_keeps_its_columns_rows_and_kinds():
    table = pd.DataFrame({"n": [1, 2], "t": ["a", None], "x": [0.5, np.nan]}, index=["r", "s"])
    table["c"] = pd.Categorical(["u", "v"], categories=["v", "u"], ordered=True)
    for value in (table, table[["n", "n"]], table["t"], table["c"], table.groupby(["t", "n"])["x"].sum()):
        got = decode(json.loads(json.dumps(encode(value))))
        assert type(got) is type(value)
        getattr(pd.testing, "assert_frame_equal" if isinstance(value, pd.DataFrame) else "assert_series_equal")(
            got, value
        )


class Always(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__
    __ge__ = __le__ = __gt__ = __lt__ = __eq__


class Likes(np.ndarray):
    def __array_function__(self, *_):
        return True

    def __array_ufunc__(self, *_, **__):
        return np.bool_(True)


def test_a_class_that_equals_everything_is_what_it_holds_or_nothing():
    assert type(decode(encode(Always(0.25)))) is float and decode(encode(Always(0.25))) != 0.5
    assert type(decode(encode({"a": Always(1)}))["a"]) is float
    got = decode(encode(np.zeros(3).view(Likes)))
    assert type(got) is np.ndarray and not got.any()
    for value in (object(), Always, type("Fake", (), {"__eq__": lambda *_: True})()):
        with pytest.raises(NotPlainError, match=r"can't be handed to the test"):
            encode(value)


@pytest.mark.parametrize(
    "data",
    ["[]", "{}", '{"list": 3}', '{"dict": [[{"list": []}, 1]]}', '{"array": "AAAA", "type": "O", "shape": [1]}',
     '{"array": "AAAA", "type": "<f8", "shape": [-1, 5]}', '{"array": "AAAA", "type": "V3", "shape": [1]}',
     '{"function": 1}', '{"record": ["os", "system"], "fields": {}}',
     '{"record": ["helpers.course.grading.submissions.job", "Job"]}',
     '{"sklearn": ["linear_model", "os"], "fields": {}}', '{"callback": "LambdaCallback", "fields": {}}',
     '{"sklearn": ["externals", "x"], "fields": {}}', '{"int": "__import__"}', '{"table": [], "rows": 1, "names": 2}'],
    ids=lambda data: data[:40],
)  # fmt: skip
def test_what_is_no_value_is_refused_without_another_error(data):
    with pytest.raises(NotPlainError):
        decode(json.loads(data))


@pytest.mark.parametrize("text", ["", "null", "3", "[" * 100_000, '{"x": ' * 5000, "{'x': 1}", '{"x": 3}'])
def test_a_message_that_is_none_is_said_and_the_judge_goes_on(text):
    room = LocalRoom({})
    room._ask = lambda question: text
    assert "damaged" in room.judge("x", ["x"])
    room.space["f"] = room._proxy(0)
    if text != '{"x": 3}':
        assert "damaged" in room.judge("f()", [])
    assert room.judge("assert 1 + 1 == 2", []) == ""


# ---------------------------------------------------------------- networks


def test_networks_pass_as_configuration_and_weights_and_nothing_of_ones_own_does():
    keras = pytest.importorskip("keras")
    layers = keras.layers
    pixels = keras.Input((4, 4, 1))
    inner = keras.Sequential([layers.Conv2D(2, 3), layers.BatchNormalization()], name="inner")
    model = keras.Model(pixels, layers.Dense(1)(layers.Flatten()(inner(pixels / 255))))
    model.compile(keras.optimizers.Adam(0.003), keras.losses.BinaryCrossentropy(), metrics=[keras.metrics.AUC()])
    inner.layers[0].trainable = False
    got = decode(json.loads(json.dumps(encode(model))))
    image = np.arange(16.0).reshape(1, 4, 4, 1)
    assert np.allclose(got(image), model(image)) and len(got.trainable_weights) == len(model.trainable_weights) == 4
    assert got.optimizer.learning_rate == model.optimizer.learning_rate

    class Own(layers.Layer):
        pass

    def loss(truth, prob):
        return 0.0

    for layer in (layers.Lambda(lambda x: x), Own(), layers.Activation(lambda x: x)):
        with pytest.raises(OwnClassError):
            decode(json.loads(json.dumps(encode(keras.Sequential([keras.Input((2,)), layer])))))
    model.compile("adam", loss)
    with pytest.raises(OwnClassError):
        encode(model)


@pytest.mark.parametrize(
    "config",
    [{"class_name": "Lambda", "module": "keras.layers"}, {"class_name": "system", "module": "os"},
     {"class_name": "function", "config": "system", "module": "os"}, {"class_name": "__lambda__", "config": {}},
     {"class_name": "Dense", "module": "keras.layers", "registered_name": "Custom>Dense"},
     {"class_name": "get_file", "module": "keras.utils"}, {"class_name": ["Dense"], "module": "keras.layers"},
     {"class_name": "TextVectorization", "module": "keras.layers", "config": {"vocabulary": "/etc/passwd"}},
     {"class_name": "load_model", "module": "keras.models"}, {"class_name": "numpy", "module": "keras.src.ops.numpy"}],
    ids=lambda config: str(config["class_name"]),
)  # fmt: skip
def test_a_configuration_with_any_other_name_builds_nothing(config):
    pytest.importorskip("keras")
    inside = {"class_name": "Sequential", "module": "keras.models", "config": {"layers": [config]}}
    for one in (config, inside):
        with pytest.raises(NotPlainError):
            decode({"model": one, "weights": [], "trainable": []})


def test_estimators_and_histories_pass_as_what_they_hold():
    keras = pytest.importorskip("keras")
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 1, 1])
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    assert np.allclose(decode(encode(pipeline)).predict_proba(x), pipeline.predict_proba(x))
    fake = LogisticRegression().fit(x, y)
    fake.predict_proba = lambda rows: "whatever passes"
    got = decode(json.loads(json.dumps(encode(fake, id))), lambda key: "called")
    assert got.predict_proba(x).shape == (6, 2)
    history = keras.callbacks.History()
    history.history, history.epoch = {"loss": [0.5, 0.4]}, [0, 1]
    assert decode(encode(history)).history == {"loss": [0.5, 0.4]}


# ---------------------------------------------------------------- functions


def test_a_function_is_called_where_it_lives_and_its_errors_and_changes_arrive():
    def change(array, words, options):
        array += 1
        words.append("x")
        options["n"] = 1
        return array.sum(), lambda a: a + 1

    def stops(n):
        raise StopIteration("nothing more")

    room = LocalRoom({"change": change, "stops": stops, "fails": lambda: {}["no"], "gives": lambda: Always(0.3)})
    source = """
import numpy as np
a, words, options = np.zeros(3), [], {}
total, more = change(a, words, options=options)
assert total == 3 and (a == 1).all() and words == ["x"] and options == {"n": 1} and more(1) == 2
assert change(np.zeros(2), more, {}) is None
"""
    assert "AttributeError" in room.judge(source, ["change"])  # the student's function got its own function back
    cut_short = "assert all(one == 3 for one in map(stops, [1, 2]))"
    assert room.judge(cut_short, ["stops"]) == "RuntimeError: StopIteration: nothing more"
    assert room.judge("fails()", ["fails"]) == "KeyError: 'no'"
    assert room.judge("assert gives() == 0.4, f'{type(gives())}'", ["gives"]) == "AssertionError: <class 'float'>"


# ---------------------------------------------------------------- plan and canary


def notebook(*cells: tuple[str, str, str]):
    """(id, kind, source) -> a notebook as nbgrader knows it."""
    made = []
    for name, kind, source in cells:
        flags = {"grade": kind == "test", "solution": kind == "answer", "locked": kind != "answer"}
        meta = {"grade_id": name, "schema_version": 3, "points": 1, "cell_type": "code"} | flags
        made.append(new_code_cell(source, metadata={"nbgrader": meta}))
    return new_notebook(cells=made)


def test_the_plan_runs_what_a_test_needs_and_takes_from_the_student_only_what_an_answer_gave():
    plan = make_plan(
        notebook(
            ("name", "given", "STUDENT = 'x'"),
            ("setup", "given", "import numpy as np\ntable, head = [1], {}"),
            ("given1", "given", "shown = table * 2"),
            ("given2", "given", "def check(x):\n    return helper(x)\nhelper = len"),
            ("task1", "answer", "answer = len(table)\nhead.update(a=1)\nnp.random.seed(1)"),
            ("given3", "given", "answer.fit()"),
            ("task1_test", "test", "_n = 1\nassert answer == _n and check(head) and np.sum(table)"),
            ("given4", "given", "table = [2]\nanswer = 3"),
            ("task2_test", "test", "for one in table:\n    assert one == answer"),
        )
    )
    assert [step.name for step in plan] == ["name", "setup", "given2", "given3", "task1_test", "given4", "task2_test"]
    asks = {step.name: step.asks for step in plan}
    assert asks["task1_test"] == {"answer", "head"} and asks["task2_test"] == set()


def test_facts_are_made_where_the_answer_is_and_fetched_as_it_is():
    plan = make_plan(
        notebook(
            ("given1", "given", "folder = 'here'"),
            ("task1", "answer", "def make(folder):\n    return object()"),
            ("facts1", "given", "found = str(make(folder))"),
            ("task1_test", "test", "assert found and folder"),
        )
    )
    assert [(step.name, step.asks) for step in plan] == [("given1", set()), ("task1_test", {"found"})]


def test_the_canary_says_whether_a_test_ran_to_its_end():
    from nbformat.v4 import new_output

    from tests.course.grading.sheet import execute

    def outputs(source):
        name, _, text = execute(source, {}).partition(": ")
        return [new_output("error", ename=name, evalue=text, traceback=[])] if name else []

    assert canary.read(outputs(canary.armed("x = 1\nassert x", "word")), "word") == []
    assert canary.read(outputs(canary.armed("assert False, 'why'", "word")), "word")[0].evalue == "why"
    assert canary.read([], "word")[0].ename == "JudgeError"
    partly = canary.read(outputs(canary.armed("x = 2\nmax(\n    x, 1)", "word")), "word")
    assert partly[0].data == {"text/plain": "2"}


# ---------------------------------------------------------------- the assignments


@pytest.mark.parametrize("name", NAMES)
def test_known_answers_keep_their_verdicts(name):
    need(SETTINGS[name]["dataset"])
    two = TwoSheets(name)
    said = two.run()
    beside = {test for test, text in said.items() if text}  # the solution itself can't be judged apart
    assert len(beside) <= 2, said
    for task, known in read_answers(name).items():
        if f"{task}_test" in beside:
            continue
        for entry in known["right"]:
            said = two.try_answer(task, entry["code"])
            assert said == "" or ": own: " in said, (task, entry)  # a Lambda layer waits for a person
        for entry in known["wrong"]:
            if entry["says"] == "has lost its trained weights":
                continue  # what an answer does to the course's own network, the judge doesn't see: it has its own
            assert two.try_answer(task, entry["code"]) != "", (task, entry)


# ---------------------------------------------------------------- attacks, in a kernel

SECRET, HIDDEN = "the-expected-value-8391", "a-hidden-test-4402"
TEST = f"""
import numpy as np
from helpers.assignment import close
expected = 41.5  # {SECRET}
got = {{}}() if callable({{}}) else {{}}
assert not isinstance(got, str) and np.ndim(got) == 0, "one number"
assert close(got, expected), f"{SECRET}: {{{{got}}}}"
### BEGIN HIDDEN TESTS
assert close(got, expected), "{HIDDEN}"
### END HIDDEN TESTS
"""
ATTACKS = {
    "honest": "honest = lambda: 41.5",
    "wrong": "wrong = 40",
    "equals": "class E(float):\n    __eq__ = __ge__ = __le__ = lambda *_: True\n    __sub__ = lambda *_: 0.0\n"
    "equals = E(1)",
    "object": "class O:\n    __eq__ = __lt__ = lambda *_: True\n    __array__ = lambda *_, **__: 41.5\n"
    "object = lambda: O()",
    "functions": "import numpy as np\nnp.ndim = lambda *_: 0\nnp.allclose = lambda *_, **__: True\n"
    "close = lambda *_: True\nfunctions = 1",
    "builtins": "import builtins, sys\nbuiltins.AssertionError = type('X', (BaseException,), {})\n"
    "print = sys.excepthook = lambda *_: None\nbuiltins = 2",
    "fools": "class F:\n    __class__ = property(lambda self: float)\n    __float__ = lambda self: 40.0\n"
    "    __eq__ = lambda *_: True\nfools = F()",
    "hooks": "ip = get_ipython()\nip.set_custom_exc((BaseException,), lambda *_: None)\n"
    "ip.ast_transformers.append(__import__('ast').NodeTransformer())\n"
    "ip.events.register('pre_run_cell', lambda info: setattr(info, 'raw_cell', ''))\n"
    "ip.showtraceback = lambda *_, **__: None\nhooks = 3",
    "frames": "import sys, gc\ndef frames():\n    frame = sys._getframe()\n    while frame:\n"
    "        if 'expected' in frame.f_locals or 'expected' in frame.f_globals:\n            return 41.5\n"
    "        frame = frame.f_back\n    return 1",
    "prints": "import linecache\ndef prints():\n"
    "    print([key for key in linecache.cache if '8391' in str(linecache.cache[key])], '8391' in str(In))\n"
    "    return 1",
    "raises": "def raises():\n    raise StopIteration",
    "exits": "def exits():\n    raise SystemExit",
    "message": "import helpers.course.grading.judge.student as s\nold = s._values\n"
    "s._values = lambda *_: {'message': {'value': {'array': 'AAAA', 'type': 'O', 'shape': [1]}}}\nmessage = 41.5",
    "deep": "s._values = lambda *_: {'deep': {'value': eval('[' * 80 + ']' * 80)}}\ndeep = 41.5",
    "silent": "s._values = lambda *_: exec('raise SystemExit')\nsilent = 41.5",
    "again": "s._values = old\nagain = 41.5",
}
CLAIMS = """
import helpers.course.grading.judge.student as s
s._values, seen = lambda *_: {"claims": {"cannot": ["own", "a layer"]}}, []
get_ipython().events.register("pre_run_cell", lambda info: seen.append(info.raw_cell))
claims = 41.5
"""
LAST = {  # in kernels of their own: a task, how it ends, and the next one
    "hangs": ("import time\ndef hangs():\n    while True:\n        time.sleep(0.1)", "", "pass"),
    "claims": (
        CLAIMS,
        "",
        "n = str(2 * 2201)\nprint(n in str(seen), n in str(In), 'close(got' in str(seen))",
    ),
    "huge": ("huge = lambda: 'x' * 5_000_000", "its answers to a test were too large", "pass"),
    "dies": ("import os\ndies = lambda: os._exit(0)", "the kernel ended by itself", "pass"),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Run attacks in kernels with a judge; returns what tests said, notes, outputs, and who waits."""
    pytest.importorskip("nbgrader")
    from helpers.course.grading.judge.broker import Judge
    from helpers.course.grading.judge.start import Judges
    from helpers.course.grading.kernel.folders import leave, prepare_kernel
    from helpers.course.grading.nbgrader_steps import limits as execution

    place = tmp_path_factory.mktemp("judge")
    limits = LIMITS | {"memory_gb": 2.0}
    environment, verdicts, notes, texts, waits = dict(os.environ), {}, {}, {}, set()
    (place / "data").mkdir()

    def run(who: str, answers: dict[str, str], judges) -> None:
        cells = [("name", "given", "STUDENT = 'x'"), ("setup", "given", "import time")]
        for name in answers:
            cells += [(name, "answer", f"{name} = 1"), (f"{name}_test", "test", TEST.format(name, name, name))]
        source = notebook(*cells)
        handed_in = notebook(*((n, k, answers.get(n, s)) for n, k, s in cells))
        job = Job(who, "01", place / "x", place, place / "work" / who / "01", limits, data=place / "data", wall=WALL)
        room = prepare_kernel(job)
        seconds = {"seconds_per_cell": 10} if who == "hangs" else {}
        executor = execution.GuardedExecute(
            room=room, limits=limits | seconds, kernel_name="python3", startup_timeout=300
        )
        executor.said.clear()
        executor.for_person = waits
        with judges.link() as link:
            executor.judge = Judge(link, source, who)
            executor.preprocess(handed_in, {"metadata": {}})
        leave(room)
        notes[who] = list(executor.said)
        for cell in handed_in.cells:
            errors = [out for out in cell.outputs if out.output_type == "error"]
            verdicts[cell.metadata.nbgrader.grade_id] = f"{errors[0].ename}: {errors[0].evalue}" if errors else ""
            if cell.metadata.nbgrader.solution:
                texts[cell.metadata.nbgrader.grade_id] = str(cell.outputs)

    first = Job("a", "01", place / "x", place, place / "work" / "a" / "01", limits, data=place / "data", wall=WALL)
    (place / "work").mkdir()
    with pytest.MonkeyPatch.context() as patch, Judges(first, ["numpy", "cloudpickle"]) as judges:
        patch.setattr(execution, "MOST", 3_000_000)
        run("all", ATTACKS, judges)
        for name, (code, _, following) in LAST.items():
            run(name, {name: code, f"{name}_next": following}, judges)
    os.environ.clear()
    os.environ.update(environment)
    return verdicts, notes, texts, waits


def test_no_attack_on_its_own_interpreter_earns_what_a_wrong_answer_does_not(graded):
    verdicts, *_, waits = graded
    passed = {name for name in [*ATTACKS, *LAST] if verdicts[f"{name}_test"] == ""}
    assert passed - waits == {"honest", "again"}, verdicts


def test_a_student_who_says_that_an_answer_cannot_be_handed_over_waits_for_a_person(graded):
    _, notes, texts, waits = graded
    assert waits == {"claims"} and notes["claims"][0].startswith("claims waits for you")
    assert "False False True" in texts["claims_next"]  # the visible test ran there, the hidden one did not


def test_what_happened_is_said_in_the_page_and_the_note(graded):
    verdicts, notes, *_ = graded
    assert verdicts["wrong_test"] == f"AssertionError: {SECRET}: 40"
    assert verdicts["raises_test"].startswith("RuntimeError: StopIteration")
    assert "can't be handed to the test" in verdicts["object_test"]
    assert "damaged" in verdicts["message_test"] and "damaged" in verdicts["deep_test"]
    assert verdicts["hangs_test"].startswith("CellTimeoutError")
    assert notes["hangs"][0].startswith("hangs_test was stopped after") and notes["all"] == []
    for name, (_, words, _) in list(LAST.items())[2:]:
        assert f"{name}_test and what follows did not run: {words}" in notes[name][0]
        assert verdicts[f"{name}_test"].startswith("KernelEnded")
        assert verdicts[f"{name}_next_test"].startswith("NotRun")


def test_the_students_interpreter_never_sees_a_test(graded):
    _, _, texts, _ = graded
    assert not any(SECRET in text or "8391" in text for text in texts.values())
