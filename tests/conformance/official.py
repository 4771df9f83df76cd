"""What each provider's own client sends for the very call that our adapter makes.

They are a heavy extra, the lock requirements/conformance.txt: a test skips where its client is not installed.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest

PROMPT = "pixel art"
SEED = 7
STEPS = 14
MODEL = "studio/omni"


@dataclass(frozen=True)
class Order:
    """What is asked of a client."""

    url: str
    """The fake provider."""
    key: str
    image: bytes
    mask: bytes


def openai(order: Order) -> None:
    """`client.images.edit`."""
    module = pytest.importorskip("openai", reason="the client of OpenAI is not installed")
    with module.OpenAI(api_key=order.key, base_url=f"{order.url}/v1", max_retries=0) as client:
        client.images.edit(
            model=MODEL,
            prompt=PROMPT,
            image=("image.png", order.image, "image/png"),
            mask=("mask.png", order.mask, "image/png"),
            size="1024x1024",
            extra_body={"seed": SEED, "num_inference_steps": STEPS},
        )


def gemini(order: Order) -> None:
    """`client.models.generate_content`."""
    genai = pytest.importorskip("google.genai", reason="the client of Gemini is not installed")
    types = genai.types
    client = genai.Client(api_key=order.key, http_options=types.HttpOptions(base_url=order.url))
    client.models.generate_content(
        model="omni",
        contents=[PROMPT, types.Part.from_bytes(data=order.image, mime_type="image/png")],
        config=types.GenerateContentConfig(
            response_modalities=["IMAGE"], image_config=types.ImageConfig(aspect_ratio="1:1"), seed=SEED
        ),
    )
    client.close()


def replicate(order: Order) -> None:
    """`client.predictions.create`, looked at until it is done, and its picture read."""
    module = pytest.importorskip("replicate", reason="the client of Replicate is not installed")
    client = module.Client(api_token=order.key, base_url=order.url)
    image = io.BytesIO(order.image)
    image.name = "image.png"
    prediction = client.models.predictions.create(
        model=MODEL,
        input={
            "prompt": PROMPT,
            "image": image,
            "num_inference_steps": STEPS,
            "seed": SEED,
        },
        file_encoding_strategy="base64",
    )
    client.poll_interval = 0.01
    prediction.wait()


def fal(order: Order) -> None:
    """`client.submit`, and the request that it gives until it is done."""
    module = pytest.importorskip("fal_client", reason="the client of fal is not installed")
    inner = module.client
    before = inner.QUEUE_URL_FORMAT
    # It speaks https with its own host alone, by a constant.
    inner.QUEUE_URL_FORMAT = f"{order.url}/queue.fal.run/"
    try:
        arguments = {
            "prompt": PROMPT,
            "image_url": module.encode(order.image, "image/png"),
            "num_inference_steps": STEPS,
            "seed": SEED,
        }
        client = module.SyncClient(key=order.key)
        client.submit(MODEL, arguments=arguments).get()
    finally:
        inner.QUEUE_URL_FORMAT = before


def huggingface(order: Order) -> None:
    """`client.image_to_image` with the address of a model."""
    module = pytest.importorskip("huggingface_hub", reason="the client of Hugging Face is not installed")
    client = module.InferenceClient(provider="hf-inference", token=order.key)
    client.image_to_image(
        order.image,
        model=f"{order.url}/hf-inference/models/{MODEL}",
        prompt=PROMPT,
        num_inference_steps=STEPS,
        seed=SEED,
    )


CLIENTS: dict[str, Callable[[Order], None]] = {
    "openai": openai,
    "gemini": gemini,
    "replicate": replicate,
    "fal": fal,
    "huggingface": huggingface,
}
