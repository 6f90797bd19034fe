#!/bin/sh
# install.sh EXTRA cpu|cuda TORCH_INDEX: one image's slice of uv.lock as /opt/venv, ready to be copied.
# In an image's build stage only. Secrets of the build, both optional: /run/network.sh, variables of a machine
# that reaches package registries in its own way, and /run/ca.pem, the certificates that it trusts.
set -eu
extra=$(echo "$1" | tr _ -) torch=$2 index=$3 # an image's folder may have underscores
if [ -s /run/network.sh ]; then . /run/network.sh; fi
if [ -s /run/ca.pem ]; then export SSL_CERT_FILE=/run/ca.pem PIP_CERT=/run/ca.pem; fi
export UV_PROJECT_ENVIRONMENT=/opt/venv UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
export UV_COMPILE_BYTECODE=1 # where an image runs, its files are read-only

python3 -m venv /opt/uv
/opt/uv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
PATH=/opt/uv/bin:$PATH

# The lock's torch is the one of PyPI, built for CUDA, with 3 GB of libraries. The CPU's is the same version from
# PyTorch's own index, which states its hash; on ARM PyPI's is built for the CPU.
if [ "$torch" = cpu ] && [ "$(uname -m)" = x86_64 ]; then
  cuda='torch\|torchaudio\|torchvision\|triton\|nvidia-[a-z0-9-]*'
  pinned=$(uv export --frozen --no-dev --no-emit-project --no-hashes --no-annotate --extra "$extra" |
    sed -n 's/^\(torch\|torchaudio\|torchvision\)==\([0-9.]*\).*/\1==\2/p')
  # shellcheck disable=SC2046
  uv sync --quiet --frozen --no-dev --no-install-project --extra "$extra" \
    $(sed -n "s/^name = \"\($cuda\)\"\$/--no-install-package \1/p" uv.lock)
  if [ -n "$pinned" ]; then
    # shellcheck disable=SC2086
    uv pip install --quiet --python /opt/venv --no-deps --index-url "$index" $pinned
  fi
else
  uv sync --quiet --frozen --no-dev --no-install-project --extra "$extra"
fi

find /opt/venv -depth -type d \( -name tests -o -name include \) -exec rm -rf {} +
find /opt/venv -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.a' -o -name '*.pyi' \) -delete
