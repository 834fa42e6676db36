#!/bin/sh
# Fetches the weights of a model, or serves them: engine fetch|serve lighton|hunyuan [FLAGS of vllm serve]
# Fetching needs a way out, and serving none: docker-compose.yml runs each where it belongs.
set -eu

usage() {
  echo 'engine fetch|serve lighton|hunyuan [FLAGS of vllm serve]' >&2
  exit 2
}

[ $# -ge 2 ] || usage
act=$1
model=$2
shift 2

if [ "$model" = hunyuan ] && [ "${ACCEPT_HUNYUAN_LICENSE:-false}" != true ]; then
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

weights=/root/.cache/huggingface
case $model in
  lighton)
    repository=lightonai/LightOnOCR-2-1B
    revision=${LIGHTON_REVISION:-main}
    folder=$weights/LightOnOCR-2-1B
    exclude=
    ;;
  hunyuan)
    repository=tencent/HunyuanOCR
    revision=${HUNYUAN_REVISION:-main}
    folder=$weights/HunyuanOCR
    # The repository's root is version 1.5; the folder v1.0 would be loaded with it.
    exclude='v1.0/*'
    ;;
  *) usage ;;
esac
# Written when a download is whole; holds the revision.
mark=$folder.fetched

case $act in
  fetch)
    hf download "$repository" --revision "$revision" ${exclude:+--exclude "$exclude"} --local-dir "$folder" ||
      # Without a way to the hub, what was fetched whole before will do.
      [ "$(cat "$mark" 2>/dev/null)" = "$revision" ] || exit 1
    printf '%s' "$revision" >"$mark"
    ;;
  serve)
    exec vllm serve "$folder" "$@"
    ;;
  *) usage ;;
esac
