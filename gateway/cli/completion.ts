import type { Command, Option } from 'commander'

/** The shells that `ocr completion` knows. */
export const completionShells = ['bash', 'zsh', 'fish'] as const

/** Options whose value is a file, or a folder. */
const FILES = new Set(['--out', '--password-file'])

/** Writes the completion of a shell from the tree of commands. No process is started for it while the user types. */
export function completionScript(shell: string, program: Command): string {
  if (shell === 'zsh') return zsh(program)
  return shell === 'fish' ? fish(program) : bash(program)
}

const visible = (command: Command): readonly Option[] => command.createHelp().visibleOptions(command)
const flagsOf = ({ short, long }: Option): string[] => [short, long].filter((flag) => flag !== undefined)
const takesValue = ({ required, optional }: Option): boolean => required || optional
const choicesOf = ({ argChoices, long }: Option): readonly string[] | null => {
  if (argChoices !== undefined) return argChoices
  return FILES.has(long ?? '') ? null : []
}

function bash(program: Command): string {
  const cases = [...program.commands, program].map((command) => {
    const pattern = command === program ? '*' : command.name()
    const flags = visible(command).flatMap(flagsOf)
    const values = visible(command)
      .filter(takesValue)
      .map((option) => {
        const choices = choicesOf(option)
        const reply = choices === null ? 'compgen -f -- "$cur"' : `compgen -W '${choices.join(' ')}' -- "$cur"`
        return `        ${flagsOf(option).join('|')}) _ocr_reply "$(${reply})"; return ;;`
      })
    const words = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])
    const other =
      command === program || words.length === 0
        ? ''
        : `\n      _ocr_reply "$(compgen -W '${words.join(' ')}' -- "$cur")"; return`
    return [
      `    ${pattern})`,
      ...(values.length === 0 ? [] : ['      case "$prev" in', ...values, '      esac']),
      `      [[ $cur == -* ]] && { _ocr_reply "$(compgen -W '${flags.join(' ')}' -- "$cur")"; return; }${other} ;;`,
    ].join('\n')
  })
  const commands = program.commands.map((command) => command.name()).join(' ')
  return `# bash completion of ocr: source <(ocr completion bash)
_ocr_reply() { mapfile -t COMPREPLY <<<"$1"; [[ -n $1 ]] || COMPREPLY=(); }
_ocr() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=
  (( COMP_CWORD > 1 )) && command=\${COMP_WORDS[1]}
  case "$command" in
${cases.join('\n')}
  esac
  local files; files=$(compgen -f -- "$cur")
  (( COMP_CWORD == 1 )) && files+=$'\\n'$(compgen -W '${commands}' -- "$cur")
  _ocr_reply "$(printf '%s\\n' "$files" | sed '/^$/d')"
  compopt -o filenames 2>/dev/null
}
complete -F _ocr ocr
`
}

/** In single quotes, with those of the text itself outside. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

function zshSpecs(command: Command): string {
  return visible(command)
    .flatMap((option) => flagsOf(option).map((flag) => zshSpec(option, flag)))
    .join(' ')
}

function zsh(program: Command): string {
  const commands = program.commands.map((command) => `${command.name()}:${command.description().replaceAll(':', ' ')}`)
  const cases = program.commands.map((command) => {
    const words = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])
    const rest = words.length === 0 ? '' : ` ${quoted(`2:${command.name()}:(${words.join(' ')})`)}`
    return `    ${command.name()}) _arguments '1: :' ${zshSpecs(command)}${rest} ;;`
  })
  return `#compdef ocr
# zsh completion of ocr: source <(ocr completion zsh), or save it as _ocr in a folder of $fpath
_ocr() {
  case "$words[2]" in
${cases.join('\n')}
    *) _arguments ${zshSpecs(program)} '1: :_ocr_first' '*:file:_files' ;;
  esac
}
_ocr_first() {
  local -a commands=(${commands.map(quoted).join(' ')})
  _describe command commands
  _files
}
compdef _ocr ocr
`
}

function zshSpec(option: Option, flag: string): string {
  const text = option.description.replaceAll(/[[\]:]/g, ' ')
  if (!takesValue(option)) return quoted(`${flag}[${text}]`)
  const choices = choicesOf(option)
  const action = choices === null ? '_files' : choices.length === 0 ? ' ' : `(${choices.join(' ')})`
  return quoted(`${flag}[${text}]:value:${action}`)
}

function fishLines(command: Command, condition: string): string[] {
  return visible(command).map((option) => {
    const { short, long } = option
    const names = [short === undefined ? '' : ` -s ${short.slice(1)}`, long === undefined ? '' : ` -l ${long.slice(2)}`]
    const choices = choicesOf(option)
    const value = !takesValue(option) ? '' : choices === null ? ' -r -F' : ` -x -a ${quoted(choices.join(' '))}`
    return `complete -c ocr -n ${quoted(condition)}${names.join('')}${value} -d ${quoted(option.description)}`
  })
}

function fish(program: Command): string {
  const names = program.commands.map((command) => command.name()).join(' ')
  const first = `not __fish_seen_subcommand_from ${names}`
  return [
    '# fish completion of ocr: ocr completion fish | source',
    ...program.commands.map(
      (command) => `complete -c ocr -n __fish_use_subcommand -a ${command.name()} -d ${quoted(command.description())}`,
    ),
    ...fishLines(program, first),
    ...program.commands.flatMap((command) => {
      const condition = `__fish_seen_subcommand_from ${command.name()}`
      const words = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])
      return [
        `complete -c ocr -n ${quoted(condition)} -f${words.length === 0 ? '' : ` -a ${quoted(words.join(' '))}`}`,
        ...fishLines(command, condition),
      ]
    }),
    '',
  ].join('\n')
}
