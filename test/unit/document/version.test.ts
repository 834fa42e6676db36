import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { rasterizationVersion } from '../../../gateway/document/version.ts'

it('the rasterization version names every library that draws, as package.json pins it', () => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  const pinned = (name: string) => JSON.stringify(manifest).match(`"${name}":"([^"]+)"`)?.[1]
  const [pdfjs, canvas, sharp] = ['pdfjs-dist', '@napi-rs/canvas', 'sharp'].map(pinned)
  assert.match(rasterizationVersion, /^pdfjs-\S+ canvas-\S+ sharp-\S+ \d+$/)
  assert.ok(rasterizationVersion.startsWith(`pdfjs-${pdfjs} canvas-${canvas} sharp-${sharp} `), rasterizationVersion)
})
