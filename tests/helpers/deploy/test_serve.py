"""The service answers as `predict` does, refuses what is too large or wrong in words, and goes on."""

import base64
import json

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="fastapi is not installed; it comes with the extra `app`")
pytest.importorskip("httpx", reason="httpx is not installed; FastAPI's TestClient needs it")
from fastapi.testclient import TestClient

from helpers.deploy.__main__ import main
from helpers.deploy.bundle import load_bundle
from helpers.deploy.predict import predict
from helpers.deploy.serve import create_service
from tests.helpers.deploy.many_classes import images, many_bundle, names
from tests.helpers.deploy.tiny_bundles import squares, tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", str(home))
        return load_bundle(tiny_bundle(tmp_path_factory.mktemp("bundles") / "squares-1"))


@pytest.fixture(scope="module")
def client(bundle):
    return TestClient(create_service(bundle, max_bytes=100_000, max_images=3))


@pytest.fixture
def scans():
    data = squares()
    return [(data.folder / path).read_bytes() for path in data.test.frame["path"].iloc[[0, -1]]]


def as_json(*contents, **more):
    return {
        "images": [{"name": f"{i}.png", "content": base64.b64encode(c).decode()} for i, c in enumerate(contents)]
    } | more


def test_health_says_which_bundle_answers(client, bundle):
    said = client.get("/health").json()
    assert said == {"status": "ok", "bundle": bundle.key, "classes": ["bright", "dark"], "doubt": ""}


def test_json_and_a_form_of_files_get_the_rows_of_predict(client, bundle, scans):
    expected = predict({"0.png": scans[0], "1.png": scans[1], "2.png": b"Dear colleague"}, bundle)
    by_json = client.post("/predict", json=as_json(*scans, b"Dear colleague")).json()
    files = [("files", (f"{i}.png", content)) for i, content in enumerate([*scans, b"Dear colleague"])]
    by_form = client.post("/predict/files", files=files).json()
    assert by_json == by_form and by_json["bundle"] == bundle.key
    answers = by_json["answers"]
    assert [row["decision"] for row in answers] == list(expected["decision"])
    assert answers[2]["probability"] is None and answers[2]["note"] == expected["note"][2]
    np.testing.assert_allclose([row["probability"] for row in answers[:2]], expected["probability"][:2], atol=1e-6)


@pytest.mark.parametrize(
    "content, status, words",
    [
        ({"images": []}, 422, "at least 1"),
        ({"images": [{"content": "no base64!"}]}, 422, "images[0].content: not base64"),
        ({"images": [{"name": "a.png"}]}, 422, "Field required"),
        (as_json(b"x", b"x", b"x", b"x"), 413, "4 images, over the limit of 3"),
        (as_json(b"x", prevalence=7), 422, "less than 1"),
        (as_json(b"x", prevalence=0.1), 400, "doesn't say at which one it was calibrated"),
        (as_json(b"x" * 100_000), 413, "over the limit of 100,000"),
    ],
    ids=["no images", "no base64", "no content", "many", "no share", "not calibrated", "large"],
)
def test_a_wrong_request_is_refused_in_words(client, content, status, words):
    answer = client.post("/predict", json=content)
    assert answer.status_code == status and words in json.dumps(answer.json(), ensure_ascii=False)
    assert client.get("/health").status_code == 200


def test_a_request_without_a_length_or_that_is_no_json_is_refused(client):
    parts = iter([b'{"images": [', b"]}"])
    assert client.post("/predict", content=parts).status_code == 411
    headers = {"content-type": "application/json"}
    for content in (b"{", b"[" * 50_000):
        assert client.post("/predict", content=content, headers=headers).status_code in (400, 422)


def test_of_more_classes_it_names_the_three_most_probable(tmp_path):
    bundle = load_bundle(many_bundle(tmp_path / "three", names(3)))
    with pytest.raises(ValueError, match="threshold"):
        create_service(bundle, threshold=0.5)
    from PIL import Image

    Image.fromarray(images(3, 1)[0][1, :, :, 0]).save(tmp_path / "x.png")
    client = TestClient(create_service(bundle, abstain=1.0))
    (row,) = client.post("/predict", json=as_json((tmp_path / "x.png").read_bytes())).json()["answers"]
    assert row["class"] == "kind 1" and row["decision"] == "ask a person" and row["class_3"] in names(3)


def test_a_wrong_command_ends_with_2_and_says_why(tmp_path, capsys):
    for words, said in ((["--port", "0"], "no port"), (["--max-images", "0"], "give 1 or more")):
        with pytest.raises(SystemExit) as ended:
            main(["serve", str(tmp_path), *words])
        assert ended.value.code == 2 and said in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(tmp_path), "--port", "8765"])
    assert ended.value.code == 2 and "bundle.json is missing" in capsys.readouterr().err
