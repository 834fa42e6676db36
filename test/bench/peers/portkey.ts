import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch, type Launched } from '../processes.ts'

const folder = join(tmpdir(), 'ocr-gateway-peers')
const script = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')

/** How the peer is installed, outside the repository. */
export const PORTKEY_INSTALL = `npm install --prefix ${folder} @portkey-ai/gateway@1.15.2`

/** Starts Portkey's gateway; null where it is not installed. */
export async function launchPortkey(): Promise<Launched | null> {
  if (!existsSync(script)) return null
  const args = ['--headless', `--port=${await freePort()}`]
  const portkey = await launch(script, { args, line: /(http:\/\/localhost:\d+)/, stderr: 'ignore' })
  return { ...portkey, url: portkey.url.replace('localhost', '127.0.0.1') }
}

/** The headers that tell Portkey's gateway where a request goes. */
export function portkeyHeaders(upstream: string): Record<string, string> {
  return { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': upstream, authorization: 'Bearer none' }
}

/** Portkey says which port it was told, not which it got: 0 will not do. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
