"""Clients of other projects, unchanged, against a running gted.

Environment: GTE_URL, base URL of gted; GTE_BIN, the program gte; GTE_SOCKET, socket of that gted.
Every vector must be that of `gte embed`, bit for bit.
"""

import asyncio
import functools
import json
import os
import subprocess
import urllib.error
import urllib.request

import numpy as np
import openai
import pytest
from huggingface_hub import InferenceClient
from langchain_openai import OpenAIEmbeddings
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

URL = os.environ["GTE_URL"].rstrip("/")
TEXTS = [
    "怎么申请退款",
    "退款流程是什么？",
    "iPhone 15 Pro 坏了🙂，还能退吗",
    'He said "hello" \\ 你好\t(再见)',
    "合同第三条约定的付款期限。" * 60,
]
NO_RETRY = {"base_url": URL + "/v1", "api_key": "none", "max_retries": 0, "timeout": 30}


@functools.cache
def dictionary():
    """Vectors of TEXTS as `gte embed` prints them."""
    command = [os.environ["GTE_BIN"], "embed", "--no-start", "--json"]
    lines = "".join(text + "\n" for text in TEXTS).encode()
    output = subprocess.run(command, input=lines, capture_output=True, check=True, timeout=60).stdout
    rows = [json.loads(line)["embedding"] for line in output.splitlines()]
    assert len(rows) == len(TEXTS) and len({len(row) for row in rows}) == 1
    return dict(zip(TEXTS, rows))


def check(vectors, texts=TEXTS):
    """Checks that vectors are those of the texts, bit for bit."""
    expected = np.array([dictionary()[text] for text in texts], dtype="<f4")
    actual = np.array(vectors, dtype="<f4")
    assert actual.shape == expected.shape
    assert actual.tobytes() == expected.tobytes()


def cosines(text, others):
    first, rest = (np.array([dictionary()[text] for text in texts]) for texts in ([text], others))
    return (rest @ first[0]).tolist()


def call(path, body=None, headers=()):
    """Sends JSON as plain HTTP; returns the status and the reply's JSON."""
    data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    request = urllib.request.Request(URL + path, data, {"Content-Type": "application/json", **dict(headers)})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@functools.cache
def model():
    """Name of the selected model."""
    return call("/v1/models")[1]["data"][0]["id"]


def vectors_of(reply):
    assert [row.index for row in reply.data] == list(range(len(reply.data)))
    return [row.embedding for row in reply.data]


def test_openai_default_is_base64():
    with openai.OpenAI(**NO_RETRY) as client:
        raw = client.embeddings.with_raw_response.create(model=model(), input=TEXTS)
        assert isinstance(json.loads(raw.text)["data"][0]["embedding"], str)
        check(vectors_of(raw.parse()))
        reply = client.embeddings.create(model=model(), input=TEXTS[0])
        check(vectors_of(reply), TEXTS[:1])
        assert reply.object == "list" and reply.data[0].object == "embedding"
        assert reply.usage.total_tokens == reply.usage.prompt_tokens == 8


def test_openai_float():
    with openai.OpenAI(**NO_RETRY) as client:
        reply = client.embeddings.create(model=model(), input=TEXTS, encoding_format="float", dimensions=512)
        check(vectors_of(reply))
        assert reply.model == model() and model() in [entry.id for entry in client.models.list()]


def test_openai_async():
    async def ask():
        async with openai.AsyncOpenAI(**NO_RETRY) as client:
            one = (client.embeddings.create(model=model(), input=text) for text in TEXTS)
            return await asyncio.gather(*one)

    check([vectors_of(reply)[0] for reply in asyncio.run(ask())])


def test_openai_errors():
    with openai.OpenAI(**NO_RETRY) as client:
        create = functools.partial(client.embeddings.create, model=model())
        for ids in ([101, 2582, 102], [[101, 2582, 102], [101, 102]]):
            with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length"):
                create(input=ids)
        with pytest.raises(openai.NotFoundError, match=model()) as error:
            create(input=TEXTS, model="text-embedding-3-small")
        assert error.value.body["message"] and error.value.type == "invalid_request_error"
        for wrong in ({"dimensions": 256}, {"input": ""}, {"input": ["好", " "]}, {"input": []}):
            with pytest.raises(openai.BadRequestError):
                create(**{"input": "好", **wrong})


def test_langchain_openai():
    options = {"model": model(), "base_url": URL + "/v1", "api_key": "none", "max_retries": 0}
    embeddings = OpenAIEmbeddings(check_embedding_ctx_length=False, **options)
    check(embeddings.embed_documents(TEXTS))
    check([embeddings.embed_query(text) for text in TEXTS])
    check(asyncio.run(embeddings.aembed_documents(TEXTS)))


def test_llama_index_openai():
    embedding = OpenAIEmbedding(model_name=model(), api_base=URL + "/v1", api_key="none", max_retries=0)
    check(embedding.get_text_embedding_batch(TEXTS))
    check([embedding.get_query_embedding(text) for text in TEXTS])
    check([asyncio.run(embedding.aget_text_embedding(TEXTS[0]))], TEXTS[:1])


def test_llama_index_text_embeddings_inference():
    # By the hub's name of a BGE model this client puts an instruction before each query.
    embedding = TextEmbeddingsInference(model_name=model(), base_url=URL)
    check(embedding.get_text_embedding_batch(TEXTS))
    check([embedding.get_query_embedding(text) for text in TEXTS])
    check([asyncio.run(embedding.aget_text_embedding(TEXTS[0]))], TEXTS[:1])


def test_huggingface_hub():
    client = InferenceClient(base_url=URL, timeout=30)
    check(client.feature_extraction(TEXTS[0]), TEXTS[:1])
    check(client.feature_extraction(TEXTS, normalize=True, truncate=True, truncation_direction="right"))
    scores = client.sentence_similarity(TEXTS[0], other_sentences=TEXTS)
    assert scores == pytest.approx(cosines(TEXTS[0], TEXTS), abs=1e-6)


def test_dify():
    """The provider of text-embeddings-inference: it cuts long texts by the offsets of tokens."""
    info = call("/info")[1]
    assert list(info["model_type"]) == ["embedding"]
    batch, limit = info["max_client_batch_size"], info["max_input_length"]
    assert batch >= len(TEXTS) and limit == 512
    status, rows = call("/tokenize", {"inputs": TEXTS})
    assert status == 200 and len(rows) == len(TEXTS)
    for text, tokens in zip(TEXTS, rows):
        assert {(token["start"], token["stop"]) for token in tokens if token["special"]} == {(None, None)}
        assert [token["special"] for token in (tokens[0], tokens[-1])] == [True, True]
        end = 0
        for token in tokens[1:-1]:
            start, stop = token["start"], token["stop"]
            assert end <= start < stop <= len(text) and not text[end:start].strip()
            piece = token["text"].removeprefix("##").lower()
            assert not token["special"] and piece in (text[start:stop].lower(), "[unk]")
            end = stop
        assert not text[end:].strip()
    cut = TEXTS[-1][: rows[-1][limit - 20]["start"]]
    assert len(call("/tokenize", {"inputs": [cut]})[1][0]) == limit - 20 + 1
    reply = call("/v1/embeddings", {"input": TEXTS})[1]
    check([row["embedding"] for row in reply["data"]])


def test_ragflow():
    """Unknown fields are ignored, and long texts are truncated."""
    body = {"input": TEXTS, "model": model(), "encoding_format": "float", "drop_params": True, "user": "x"}
    for path in ("/v1/embeddings", "/embeddings"):
        status, reply = call(path, body, {"Authorization": "Bearer x"})
        assert status == 200
        check([row["embedding"] for row in reply["data"]])
    check(call("/embed", {"inputs": TEXTS})[1])


def test_milvus():
    """The function that embeds by text-embeddings-inference."""
    body = {"inputs": TEXTS, "truncate": True, "truncation_direction": "Right"}
    status, vectors = call("/embed", body, {"Authorization": "Bearer x"})
    assert status == 200
    check(vectors)
    assert call("/embed", {"inputs": TEXTS[-1:], "truncate": False})[0] in (400, 413, 422)
