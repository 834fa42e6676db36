import { Argument, Command, InvalidArgumentError, Option, type Help } from 'commander'
import { completionShells } from './completion.ts'
import type { AskOptions } from './models.ts'
import { preparations, type GivenOptions } from './options.ts'
import { samplesActions, type SamplesAction, type SamplesOptions } from './samples-options.ts'

/** What the commands do. */
export interface Actions {
  read(args: readonly string[], options: GivenOptions): Promise<void>
  serve(): Promise<void>
  models(options: AskOptions): Promise<void>
  doctor(options: AskOptions): Promise<void>
  samples(action: SamplesAction, target: string | undefined, options: SamplesOptions): Promise<void>
  completion(shell: string, program: Command): Promise<void>
}

const BASE_URL = new Option('--base-url <url>', 'a running gateway, with OPENAI_API_KEY; else its own')

/** Builds the command: its options, its commands, and their help. Each help fits a screen of 24 lines. */
export function createProgram(version: string, actions: Actions): Command {
  const program = new Command('ocr')
  program
    .usage(
      '[options] FILE|FOLDER|GLOB|URL|-...\n       ocr serve | models | doctor | samples ACTION | completion SHELL',
    )
    .argument('[files...]')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp({ visibleCommands: () => [], visibleArguments: () => [], formatHelp })
  for (const option of readOptions()) program.addOption(option)
  program.version(version, '-V, --version', 'say the version').helpOption('-h, --help', 'say this')
  program.helpCommand(false)
  program.action(async (files: string[], options: GivenOptions) => actions.read(files, options))
  addCommands(program, actions)
  return program
}

/** Without the headings and empty lines that would not fit a screen. */
function formatHelp(command: Command, helper: Help): string {
  const width = helper.padWidth(command, helper)
  // Of what has no description, the options follow at once: they fill the screen.
  const description = command.parent === null ? '' : `\n${helper.commandDescription(command)}\n\n`
  const items = [
    ...helper.visibleArguments(command).map((item) => [helper.argumentTerm(item), helper.argumentDescription(item)]),
    ...helper.visibleOptions(command).map((item) => [helper.optionTerm(item), item.description]),
  ]
  // What another's description names has none of its own: all of it fits a screen.
  const lines = items
    .filter(([, text]) => text !== '')
    .map(([term = '', text = '']) => `  ${term.padEnd(width)}  ${text}\n`)
    .join('')
  return `Usage: ${helper.commandUsage(command).replace('ocr [options] [options]', 'ocr [options]')}\n${description}${lines}`
}

/** What becomes of headers and footers. */
const runningLines = ['keep', 'strip', 'separate']

function readOptions(): Option[] {
  return [
    new Option('-o, --out <dir>', 'a folder that mirrors the input; it goes on there'),
    new Option('-f, --output <form>', 'markdown (the default), text or json').choices(['markdown', 'text', 'json']),
    new Option('-j, --json', 'one JSON object each: text, and ledger of pages'),
    new Option('-p, --pages <range>', 'pages, such as 1-3,7,10-'),
    new Option('-t, --task <task>', "one of the model's tasks, such as table or formula"),
    new Option('-m, --model <model>', 'one that `ocr models` lists').default('default'),
    new Option('--prepare <ways>', preparations.join(',')),
    new Option('--tables <format>').choices(['markdown', 'html']),
    new Option('--figures <way>', 'beside the text, in it, none; --tables <markdown|html>').choices([
      'reference',
      'embed',
      'drop',
    ]),
    new Option('--join', 'what pages cut; --headers, --footers <keep|strip|…>'),
    new Option('--headers <way>').choices(runningLines),
    new Option('--footers <way>').choices(runningLines),
    new Option('--ocr <json>', "other fields of the gateway's `ocr` object"),
    new Option('--password <text>', 'of PDFs; better: OCR_PASSWORD, or --password-file'),
    new Option('--password-file <file>'),
    BASE_URL,
    new Option('-c, --concurrency <n>', 'documents at a time (found out)').argParser(positive),
    new Option('--service-tier <tier>', 'default, or flex, which gives way: so for several').choices([
      'default',
      'flex',
    ]),
    new Option('--no-resume', 'read all again; what --out had stays until then'),
    new Option('--resume').default(true).hideHelp(),
    new Option('-r, --retry-failed', 'read again what has failed before'),
    new Option('-n, --dry-run', 'say what it would cost, and read nothing'),
    new Option('-w, --watch', 'go on with what comes into the folder'),
    new Option('-q, --quiet', 'say only what went wrong'),
  ]
}

function addCommands(program: Command, actions: Actions): void {
  program
    .command('serve')
    .description('Starts the gateway, as npm start does. Its settings are environment variables.')
    .action(async () => actions.serve())
  program
    .command('models')
    .description('Lists the models that read documents.')
    .addOption(BASE_URL)
    .option('-j, --json', 'as JSON')
    .action(async (options: AskOptions) => actions.models(options))
  program
    .command('doctor')
    .description('Checks Node, the settings, the disk, Redis, the upstreams, and a gateway.')
    .addOption(new Option('--base-url <url>', 'a running gateway to check, too'))
    .option('-j, --json', 'as JSON')
    .action(async (options: AskOptions) => actions.doctor(options))
  program
    .command('samples')
    .description('Lists, shows and exports the pages that GATEWAY_SAMPLES_DIR keeps.')
    .addArgument(new Argument(`<${samplesActions.join('|')}>`, 'what to do').choices(samplesActions))
    .addArgument(new Argument('[target]', 'show: the id of one; export: a folder'))
    .option('--dir <dir>', 'the folder, if not GATEWAY_SAMPLES_DIR')
    .option('--key-file <file>', 'what they are encrypted with, if not GATEWAY_SAMPLES_KEY')
    .option('--reviewed', 'export: the texts that lie there are right')
    .option('-j, --json', 'list, show: as JSON')
    .action(async (action: SamplesAction, target: string | undefined, options: SamplesOptions) =>
      actions.samples(action, target, options),
    )
  program
    .command('completion')
    .description('Writes what completes `ocr` in a shell. For bash: source <(ocr completion bash)')
    .addArgument(new Argument('<shell>', completionShells.join(', ')).choices(completionShells))
    .action(async (shell: string) => actions.completion(shell, program))
}

function positive(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a number from 1 on.')
  return value
}
