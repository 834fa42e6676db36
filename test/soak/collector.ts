import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '../support/seeded-random.ts'

/** A collector of traces that comes and goes, at one address. */
export interface SoakCollector extends AsyncDisposable {
  /** As in `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string
  /** How often it was sent spans, how many bytes, and what it answered with. */
  readonly counts: { posts: number; bytes: number; refused: number; unanswered: number }
  /** Lets it come and go until the time is over. */
  comeAndGo(random: SeededRandom, until: number): Promise<void>
}

type Mood = 'well' | 'hanging' | 'failing'

/** Starts one that is well. It keeps nothing: what arrives is another test's. */
export async function startSoakCollector(): Promise<SoakCollector> {
  const counts = { posts: 0, bytes: 0, refused: 0, unanswered: 0 }
  let mood: Mood = 'well'
  const listen = (port: number): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createServer((request, response) => {
        counts.posts += 1
        request.on('data', (piece: Buffer) => (counts.bytes += piece.length))
        request.on('end', () => {
          if (mood === 'hanging') counts.unanswered += 1
          else if (mood === 'failing') response.writeHead(503).end(String((counts.refused += 1)))
          else response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
        })
      })
      server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server))
    })
  const close = async (server: Server): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  let server = await listen(0)
  const { port } = server.address() as AddressInfo

  async function goAway(milliseconds: number): Promise<void> {
    await close(server)
    await delay(milliseconds)
    server = await listen(port)
  }

  return {
    url: `http://127.0.0.1:${port}`,
    counts,
    async comeAndGo(random, until) {
      while (performance.now() < until) {
        await delay(random.integer(2000, 10_000))
        const next = random.pick<Mood | 'away'>(['hanging', 'failing', 'away'])
        const milliseconds = random.integer(500, 15_000)
        if (next === 'away') await goAway(milliseconds)
        else {
          mood = next
          await delay(milliseconds)
          mood = 'well'
        }
      }
    },
    [Symbol.asyncDispose]: () => close(server),
  }
}
