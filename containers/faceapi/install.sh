#!/bin/sh
# install.sh wasm|cuda: node_modules as package-lock.json says, without what only developers read.
# In the image's build stage only; /run/network.sh and /run/ca.pem as in containers/install.sh.
set -eu
if [ -s /run/network.sh ]; then . /run/network.sh; fi
if [ -s /run/ca.pem ]; then export NODE_EXTRA_CA_CERTS=/run/ca.pem; fi

# sharp's own script would compile it where no binary fits; its binaries are packages of their own.
# onnxruntime-node's fetches CUDA's libraries from outside npm; its package has those for the cores.
npm ci --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
if [ "$1" = cuda ]; then
  npm install --no-save --no-audit --no-fund @tensorflow/tfjs-node-gpu@4.22.0
fi

# face-api's package brings its networks too; here they come from the model store, checked.
cd node_modules
rm -rf @vladmandic/face-api/model @vladmandic/face-api/demo @vladmandic/face-api/src @vladmandic/face-api/types
# ONNX Runtime comes with its library for every system.
own=$(node -p "process.platform + '/' + process.arch")
find onnxruntime-node/bin -mindepth 3 -maxdepth 3 -type d ! -path "*/$own" -exec rm -rf {} +
find . -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' \) -delete
find . -depth -type d \( -name test -o -name tests -o -name __tests__ \) -exec rm -rf {} +
