"""What a worker sees of the user's environment: as on AWS, only what it needs."""

import os
from pathlib import Path

from containers.common.image import Image
from containers.common.machine import cores
from containers.common.models.store_cache import cache_folder

PASSED = (
    # Programs, the user's folders and scratch space, language and time zone of messages.
    ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"),
    # TLS certificates and proxies, for S3 and for the image that downloads models.
    ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    ("PIP_CERT", "NPM_CONFIG_CAFILE", "npm_config_cafile"),
    ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    ("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    # Where packages come from (starter models are in package registries): pip, uv and npm each have their own
    # names, npm's in both cases; then the hubs' mirrors and the token of gated models.
    ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "NPM_CONFIG_REGISTRY", "npm_config_registry"),
    ("HF_ENDPOINT", "TORCH_HUB_ENDPOINT", "TFHUB_ENDPOINT", "HF_TOKEN", "HF_TOKEN_SECRET"),
    # Which accelerator to use and where its libraries are.
    ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
)
PASSED_PREFIXES = (
    "LC_",
    "XDG_",  # caches, among them the default model store
    "MEDIAFLOW_",  # our own settings
    "AWS_",  # S3: region, endpoint, credentials
    "OMP_",  # threads of the numeric libraries
    "MKL_",
    "OPENBLAS_",
)
# Of a Lambda that we may ourselves run in: they would describe the wrong function.
NOT_PASSED_PREFIXES = ("AWS_LAMBDA_", "AWS_EXECUTION_ENV")
# What flows alone read, and what differs from run to run: runs that differ in it share warm images.
NOT_PASSED = {
    "AWS_ENDPOINT_URL_LAMBDA",
    *(
        f"MEDIAFLOW_{name}"
        for name in ("TEMPORARY_SERVER", "WEBHOOK", "TOPIC", "RUNTIME", "AWS", "AWS_CREDENTIALS")
    ),
    *(f"MEDIAFLOW_{name}" for name in ("FUNCTION_PREFIX", "RESULTS_DAYS", "RESULTS_BLOCK", "WORK")),
    *(f"MEDIAFLOW_{name}" for name in ("KEEP_WARM", "MEMORY_MB", "RUNS_AT_ONCE", "RESULTS_URL", "MLFLOW")),
}
_PASSED_NAMES = frozenset(name for names in PASSED for name in names)


def shared_cores(image: Image, own: int | None = None) -> dict[str, str]:
    """Threads of the numeric libraries, for an image that shares `own` cores (this machine's) with others.

    Threads that wait must sleep: where they spin they take the others' cores (a diarization of 6 s was seen
    to take 74 s, a transcription three times its processor time). Half the cores are each image's share,
    since several are at work; whoever comes late has all. What that gives: benchmarks/threads.py.
    """
    there = own or cores()
    threads = min(image.threads, there if image.comes_late else max(1, there // 2))
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": str(threads),
    }


def worker_environment(image: Image, api: str, root: Path, scratch: Path) -> dict[str, str]:
    """The user's variables that matter, Lambda's own, and last the image's."""
    return (
        shared_cores(image)
        | passed()
        | _lambda_variables(image, api, root)
        # A worker's folder for temporary files goes away with it; models of an S3 store are for all of them.
        | {"TMPDIR": str(scratch), "MEDIAFLOW_MODEL_CACHE": str(cache_folder())}
        | image.environment
    )


def passed() -> dict[str, str]:
    """Of the user's variables those that a worker sees."""
    seen = {name: value for name, value in os.environ.items() if _is_passed(name)}
    if region := seen.get("AWS_DEFAULT_REGION"):
        seen.setdefault("AWS_REGION", region)  # the one that Lambda sets, and Node's SDK reads no other
    return seen


def _is_passed(name: str) -> bool:
    if name in NOT_PASSED or name.startswith(NOT_PASSED_PREFIXES):
        return False
    return name in _PASSED_NAMES or name.startswith(PASSED_PREFIXES)


def _lambda_variables(image: Image, api: str, root: Path) -> dict[str, str]:
    return {
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_LAMBDA_FUNCTION_NAME": image.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(image.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{image.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "LAMBDA_TASK_ROOT": str(root),
        "_HANDLER": image.handler,
    }
