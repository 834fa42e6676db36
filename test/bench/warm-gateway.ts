import { launchFake, launchGateway, type Launched } from './processes.ts'
import { connect, readDocument } from './read-document.ts'
import { smallPages } from './small-pages.ts'

/** Of a server that answers at once, and is not measured. */
const OTHER_MODEL = 'tencent/HunyuanOCR'
/** After so many pages V8 has compiled what they run: the first fifty take three times the processor time of later ones. */
const PAGES = 300

/** Starts a gateway in front of these servers that has been running for a while, and knows nothing of them yet. */
export async function launchWarmGateway(
  servers: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Launched> {
  await using stack = new AsyncDisposableStack()
  const other = stack.use(await launchFake(['--model', OTHER_MODEL, '--instant']))
  const gateway = stack.use(await launchGateway([...servers, other.url], environment))
  await readDocument(connect(gateway.url), smallPages(PAGES, 5001), { model: OTHER_MODEL })
  const both = stack.move()
  return { ...gateway, [Symbol.asyncDispose]: () => both.disposeAsync() }
}
