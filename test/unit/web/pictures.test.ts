import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blobOf, createPictures } from '../../../gateway/web/app/state/pictures.ts'

const picture = (bytes: number): string => `data:image/jpeg;base64,${Buffer.alloc(bytes).toString('base64')}`

describe('the pictures of pages', () => {
  it('make room for each other: those far from the page that is looked at go first', () => {
    const pictures = createPictures(1000)
    pictures.lookAt(5)
    for (const page of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) pictures.keep(page, picture(200))
    const kept = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].filter((page) => pictures.get(page) !== null)
    assert.deepEqual(kept, [3, 4, 5, 6, 7])
    pictures.lookAt(10)
    pictures.keep(10, picture(200))
    assert.notEqual(pictures.get(10), null)
    assert.equal(pictures.get(3), null)
  })

  it('count once when they come again', () => {
    const pictures = createPictures(1000)
    for (let times = 0; times < 10; times++) pictures.keep(1, picture(400))
    pictures.keep(2, picture(400))
    assert.notEqual(pictures.get(1), null)
  })

  it('are pictures: nothing else is shown', async () => {
    assert.equal(blobOf('data:text/html;base64,AAAA'), null)
    assert.equal(blobOf('data:image/svg+xml;base64,AAAA'), null)
    assert.equal(blobOf('https://elsewhere.example/picture.png'), null)
    assert.equal(blobOf('data:image/png;base64,?'), null)
    const blob = blobOf('data:image/png;base64,AQID')
    assert.deepEqual([blob?.type, await blob?.bytes()], ['image/png', new Uint8Array([1, 2, 3])])
  })
})
