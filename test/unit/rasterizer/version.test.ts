import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { rasterizationVersion } from '../../../gateway/rasterizer/version.ts'

it('the rasterization version names every library that draws, as package.json pins it, and which may draw', () => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  const pinned = (name: string) => JSON.stringify(manifest).match(`"${name}":"([^"]+)"`)?.[1]
  const [pdfium, pdfjs, canvas, sharp] = ['@embedpdf/pdfium', 'pdfjs-dist', '@napi-rs/canvas', 'sharp'].map(pinned)
  const libraries = `pdfium-${pdfium} pdfjs-${pdfjs} canvas-${canvas} sharp-${sharp}`
  const [auto, only] = [rasterizationVersion('auto'), rasterizationVersion('pdfjs')]
  assert.match(auto, /^auto \S+ \S+ \S+ sharp-\d\S+ heif-\d\S+ \d+$/)
  assert.ok(auto.startsWith(`auto ${libraries} `), auto)
  assert.ok(only.startsWith(`pdfjs ${libraries} `), only)
})
