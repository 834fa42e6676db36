// `npm run web`: bundles what runs in a browser (gateway/web/app) into gateway/web/built, which the gateway serves.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type Metafile } from 'esbuild'

const root = join(import.meta.dirname, '../..')
const web = join(root, 'gateway/web')
const built = join(web, 'built')

/** What pages load, each a bundle of its own; what they share is in chunks beside them. */
const ENTRIES = ['playground.tsx', 'status.tsx']

if (import.meta.main) {
  await rm(built, { recursive: true, force: true })
  await buildWeb(built)
}

/** Bundles everything into a folder, and tells what it is made of; the same sources give the same bytes. */
export async function buildWeb(outdir: string): Promise<Metafile> {
  const { metafile } = await build({
    metafile: true,
    entryPoints: ENTRIES.map((name) => join(web, 'app', name)),
    outdir,
    // What a bundle is called rests on these paths, and must not rest on where the project lies.
    absWorkingDir: root,
    preserveSymlinks: true,
    bundle: true,
    format: 'esm',
    splitting: true,
    minify: true,
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'linked',
    chunkNames: 'chunk-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.woff2': 'file', '.woff': 'empty', '.ttf': 'empty' },
    logLevel: 'warning',
  })
  return metafile
}
