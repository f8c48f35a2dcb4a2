// `weir completion`: the script asks the program's own help, so it never goes stale.
#include "cmd/weir/cli/commands.hpp"

namespace weir::cli {
namespace {

constexpr const char* kBash = R"bash(# bash completion for weir
_weir() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path=() i help words
  for ((i = 1; i < COMP_CWORD && i <= 3; i++)); do
    [[ ${COMP_WORDS[i]} =~ ^[a-z][a-z-]*$ ]] || break
    path+=("${COMP_WORDS[i]}")
  done
  case $before in
    --*file|--*cert|--*key|--config|--data-dir|--*dir|--from-lines|--nats-server)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
  esac
  help=$("${COMP_WORDS[0]}" "${path[@]}" --help 2>/dev/null)
  while [[ -z $help && ${#path[@]} -gt 1 ]]; do  # the last word is no command
    unset 'path[-1]'
    help=$("${COMP_WORDS[0]}" "${path[@]}" --help 2>/dev/null)
  done
  if [[ $word == -* ]]; then
    words=$(grep -oE -- '--[a-z][a-z0-9-]*' <<<"$help" | sort -u)
  else
    words=$(sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<<"$help")
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _weir weir
)bash";

}  // namespace

int run_completion(Args args) {
  const Usage usage{.command = "weir completion",
                    .synopsis = "bash",
                    .summary = "Prints a completion script for the shell.",
                    .examples = {"source <(weir completion bash)",
                                 "weir completion bash > /etc/bash_completion.d/weir"}};
  return run_local(usage, args, [](const Parsed& parsed) -> Result<int> {
    if (parsed.operand(0) != "bash") {
      return bad_argument("no completion for \"" + parsed.operand(0) + "\"", "want bash");
    }
    print(kBash);
    return kOk;
  });
}

}  // namespace weir::cli
