#!/usr/bin/env node
// The command `ocr`. JavaScript, so that any Node can begin it; the rest needs the Node that the project brings.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const OLDEST_NODE = 24
const entry = join(dirname(fileURLToPath(import.meta.url)), 'main.ts')

// Node does not strip types of what lies below node_modules; a clone that is installed by its folder is linked, and does not.
const isInstalledCopy = entry.split(sep).includes('node_modules')
const node = Number(process.versions.node.split('.')[0]) >= OLDEST_NODE ? process.execPath : ownNode()
if (isInstalledCopy) {
  refuse(
    'ocr runs from a clone of its repository: run `npm ci` there, then `npm install --global .`, and ocr is everywhere.',
  )
} else if (node === process.execPath) {
  await keepCompiledCode()
  await import(pathToFileURL(entry).href)
} else if (node === null) {
  refuse(
    `ocr needs Node ${OLDEST_NODE} or newer, and this is ${process.version}. Run \`npm ci\` in ${join(dirname(entry), '../..')}, which brings one, or install Node ${OLDEST_NODE}.`,
  )
} else runWith(node)

/** Half of the time that a command takes to start is compiling. Where there is a folder that nobody else may write, that is done once. */
async function keepCompiledCode() {
  const { compileCacheFolder } = await import('../rasterizer/compile-cache.ts')
  const folder = compileCacheFolder()
  if (folder !== null) module.enableCompileCache(folder)
}

/** Finds the Node that came with `npm ci`; null where there is none for this machine. */
function ownNode() {
  const platform = `${process.platform}-${process.arch}`
  const program = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
  const found = [`node-${platform}`, `node-bin-${platform}`].map((name) => programIn(name, program))
  return found.find((path) => path !== null) ?? null
}

function programIn(name, program) {
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), program)
    return existsSync(path) ? path : null
  } catch {
    return null
  }
}

function refuse(why) {
  process.stderr.write(`${why}\n`)
  process.exitCode = 2
}

/** Ends as the other Node does. Ctrl-C reaches both from the terminal, and that it comes twice does no harm; from elsewhere, it reaches this process alone. */
function runWith(node) {
  const env = { ...process.env, OCR_LAUNCHER: String(process.pid) }
  const child = spawn(node, [entry, ...process.argv.slice(2)], { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`${node} could not be started: ${error.message}\n`)
    process.exitCode = 2
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const each of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.removeAllListeners(each)
    process.kill(process.pid, signal)
  })
}
