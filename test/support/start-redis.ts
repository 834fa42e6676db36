import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, within } from './within.ts'

/** A real redis-server of this test's own. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Ends it and removes its folder; calling it again does nothing. */
  stop(): Promise<void>
  /** Ends it as a crash does; it can be restarted. */
  kill(): Promise<void>
  /** Starts it anew on the same port; empty, unless it writes a log. */
  restart(): Promise<void>
  /** Lets it hang: the kernel still accepts connections and bytes, nobody answers. */
  pause(): void
  resume(): void
}

/** What a test may want to be different. */
export interface RedisServerOptions {
  readonly password?: string
  /** More of redis-server's own arguments: `['--maxmemory', '2mb']`. */
  readonly args?: readonly string[]
}

const START_TIMEOUT_MS = 10_000
const PORT_ATTEMPTS = 5

/** Starts redis-server on a free port of 127.0.0.1 without persistence; resolves once it answers. */
export async function startRedis({ password, args = [] }: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'))
  const secret = password === undefined ? [] : ['--requirepass', password]
  const launch = (port: number) => launchRedis(port, folder, [...secret, ...args])
  const first = await launchOnFreePort(launch)
  const { port } = first
  let child: ChildProcess = first.child
  const killNow = () => child.kill('SIGKILL')
  process.on('exit', killNow)

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await within(exited, 5_000, 'redis-server ends')
  }

  async function stop(): Promise<void> {
    process.off('exit', killNow)
    await kill()
    await rm(folder, { recursive: true, force: true })
  }

  return {
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    port,
    stop,
    kill,
    async restart() {
      await kill()
      child = await launch(port)
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    [Symbol.asyncDispose]: stop,
  }
}

async function launchOnFreePort(launch: (port: number) => Promise<ChildProcess>) {
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort()
    try {
      return { port, child: await launch(port) }
    } catch (error) {
      // Another process may take the port between our asking and redis-server's binding.
      if (attempt === PORT_ATTEMPTS) throw error
    }
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error(`no port: ${address}`)
  return address.port
}

async function launchRedis(port: number, folder: string, args: readonly string[]): Promise<ChildProcess> {
  const bare = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', [...bare, ...args], { stdio: 'ignore' })
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = new Error('redis-server does not start: run `npm test`, which installs it, or install it', {
      cause: error,
    })
  })
  child.once('exit', (code) => (failure ??= new Error(`redis-server on port ${port} ended at once with ${code}`)))
  try {
    await eventually(
      () => {
        if (failure !== undefined) throw failure
        return answers(port)
      },
      START_TIMEOUT_MS,
      'redis-server answers',
    )
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return child
}

/** Tells whether a Redis answers PING; one that wants a password answers too. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.setTimeout(1_000, () => socket.destroy())
    socket.once('data', (data) => {
      resolve(/^(\+PONG|-NOAUTH)/.test(data.toString()))
      socket.destroy()
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}
