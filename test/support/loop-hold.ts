// Preloaded into a gateway that a test watches: says, whenever it is asked by a signal, how long its event loop was held
// at most since it was asked before. In processor time of the thread, which other processes on the machine do not move.
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  const spent = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  let last = spent()
  let longest = 0
  setInterval(() => {
    const now = spent()
    longest = Math.max(longest, now - last)
    last = now
  }, 1).unref()
  process.on('SIGUSR2', () => {
    process.stderr.write(`The event loop was held for ${Math.round(longest)} ms.\n`)
    longest = 0
  })
}
