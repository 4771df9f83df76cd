"""The providers of image models: one line for each, read by everybody, and an adapter file of the same name.

`services/generator/models/NAME.py` (with _ for -) holds the adapter; only a generator loads it. To add a
provider, write that file and one line of PROVIDERS.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Provider:
    """What the configuration must know of a provider to tell whether a model is described well."""

    endpoint: str | None = None
    """Where it is called unless the configuration names another address; None if that must name one."""
    key: str | None = None
    """The usual name of the variable with its key; None if it wants no key."""
    image: str = "image"
    """The field of a call that carries the template, where the configuration names no other."""
    form_image: str = "image"
    """The same where a form is sent."""
    mask: str = ""
    """The field of a call that carries the mask, where the configuration names no other; empty for none."""
    taken: tuple[str, ...] = ()
    """Other fields of every call, whose place no parameter and no conditioning image may take."""
    lacks: tuple[str, ...] = ()
    """Those of `steps`, `guidance` and `seed` that its models do not know."""
    hosts: tuple[str, ...] = ()
    """Where its pictures may lie besides the endpoint's own host; `*.` stands for any name before it."""
    form: tuple[str, str] | None = None
    """How it names a model: a pattern, and an example for people; None if any name will do."""
    local: bool = False
    """Whether it works on this machine's processors."""


PROVIDERS: dict[str, Provider] = {
    "pixel-art": Provider(local=True),
    "url": Provider(image="image_b64", taken=("prompt", "negative_prompt")),
    "oxen": Provider(
        endpoint="https://hub.oxen.ai",
        key="OXEN_API_KEY",
        image="input_image",
        taken=("model", "prompt", "negative_prompt", "response_format", "num_inference_steps"),
        hosts=("*.oxen.ai",),
    ),
    "openai": Provider(
        endpoint="https://api.openai.com",
        key="OPENAI_API_KEY",
        mask="mask",
        # Of several pictures all are paid for, and one can be used.
        taken=("model", "prompt", "n", "stream", "partial_images", "num_inference_steps"),
    ),
    "gemini": Provider(
        endpoint="https://generativelanguage.googleapis.com",
        key="GEMINI_API_KEY",
        taken=("prompt", "candidateCount"),
        lacks=("steps", "guidance"),
    ),
    "huggingface": Provider(
        endpoint="https://router.huggingface.co/hf-inference",
        key="HF_TOKEN",
        image="inputs",
        taken=("prompt", "negative_prompt", "num_inference_steps"),
    ),
    "oxen-queue": Provider(
        endpoint="https://hub.oxen.ai",
        key="OXEN_API_KEY",
        image="input_image",
        taken=("model", "prompt", "negative_prompt", "num_generations", "num_inference_steps"),
        hosts=("*.oxen.ai",),
    ),
    "replicate": Provider(
        endpoint="https://api.replicate.com",
        key="REPLICATE_API_TOKEN",
        taken=("prompt", "negative_prompt", "num_inference_steps"),
        hosts=("replicate.delivery", "*.replicate.delivery"),
        form=(r"[\w.-]+/[\w.-]+(:[0-9a-f]{64})?|[0-9a-f]{64}", "owner/name, owner/name:version or a version"),
    ),
    "fal": Provider(
        endpoint="https://queue.fal.run",
        key="FAL_KEY",
        image="image_url",
        taken=("prompt", "negative_prompt", "num_inference_steps"),
        hosts=("fal.media", "*.fal.media"),
        form=(r"[\w.-]+(/[\w.-]+){1,4}", "owner/name"),
    ),
    "comfyui": Provider(),
}
