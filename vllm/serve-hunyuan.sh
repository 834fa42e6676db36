#!/bin/sh
# Downloads HunyuanOCR 1.5 and serves it with the flags given; refuses until its licence was accepted.
set -eu

if [ "${ACCEPT_HUNYUAN_LICENSE:-false}" != true ]; then
  cat >&2 <<'NOTICE'
HunyuanOCR is under the Tencent Hunyuan Community License Agreement, which is no open-source licence:
  - it grants nothing in the European Union, the United Kingdom and South Korea, and its output may not be used there;
  - above 100 million monthly users it needs a licence of its own;
  - its output may not be used to improve other AI models;
  - whoever offers it as a service passes the agreement on and says that Tencent has no part in the service.
Read it whole: https://huggingface.co/tencent/HunyuanOCR/blob/main/LICENSE
If you may and want to accept it, set ACCEPT_HUNYUAN_LICENSE=true.
NOTICE
  exit 1
fi

# The repository's root is version 1.5; the folder v1.0 would be loaded with it.
model=/root/.cache/huggingface/HunyuanOCR
hf download tencent/HunyuanOCR --revision "${HUNYUAN_REVISION:-main}" --exclude 'v1.0/*' --local-dir "$model"
exec vllm serve "$model" "$@"
