import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dropImages, nameImages } from '../../../../gateway/ocr/markdown/image-names.ts'

describe("the names of a page's pictures", () => {
  for (const { name, page, named } of [
    { name: 'a placeholder', page: '![image](image_1.png)', named: '![image](page-3-image-1.png)' },
    {
      name: 'its place is kept',
      page: '![image](image_2.png)112,80,640,455',
      named: '![image](page-3-image-2.png)112,80,640,455',
    },
    {
      name: 'several',
      page: 'a ![image](image_1.png) b\n\n![x](image_2.jpg "t")',
      named: 'a ![image](page-3-image-1.png) b\n\n![x](page-3-image-2.jpg "t")',
    },
    {
      name: 'the same twice are two pictures',
      page: '![image](image_1.png)\n![image](image_1.png)\n![image](image_2.png)',
      named: '![image](page-3-image-1.png)\n![image](page-3-image-2.png)\n![image](page-3-image-3.png)',
    },
    {
      name: 'other made-up names',
      page: '![](figure.jpeg) ![](images/0.png) ![](img-4)',
      named: '![](page-3-image-1.jpeg) ![](page-3-image-0.png) ![](page-3-image-4.png)',
    },
    {
      name: 'elements',
      page: '<img src="image_1.png" alt="a"/> <IMG alt=b src=image_2.png>',
      named: '<img src="page-3-image-1.png" alt="a"/> <IMG alt=b src=page-3-image-2.png>',
    },
  ])
    // prettier-ignore
    it(`are the page's own: ${name}`, () => assert.equal(nameImages(page, 3), named))

  for (const page of [
    '![logo](https://a.example/image_1.png)',
    '![dot](data:image/png;base64,AAAA)',
    '![logo](assets/logo.png) ![root](/image_1.png)',
    '[image](image_1.png) and image_1.png',
    '![image](image 1.png)',
    '![image](image_1.png',
    '`![image](image_1.png)`',
    '```\n![image](image_1.png)\n```',
    '![title](10,20,300,400) Minutes',
    String.raw`![not\](image_1.png)`,
  ])
    it(`leave alone what is none: ${page}`, () => assert.equal(nameImages(page, 3), page))
})

describe('pictures that are not wanted', () => {
  for (const [page, left] of [
    ['# A\n\n![image](page-1-image-1.png)\n\nB', '# A\n\nB'],
    ['![image](image_1.png)\n\n![](image_2.png)\n\nB', 'B'],
    ['A\n![image](image_1.png)\nB', 'A\nB'],
    ['A\n\n![image](image_1.png)\n', 'A'],
    ['A\n\n![image](image_1.png)', 'A'],
    ['One ![image](image_1.png) two', 'One two'],
    ['A\n\n![image](image_1.png) 10,20,30,40\n\n\nB', 'A\n\nB'],
    ['| ![](img-1.jpeg) | 5 |', '| | 5 |'],
    ['- ![a](image_1.png)\n- b', '- b'],
    ['A\n\n**![a](image_1.png "Chart")**\n\nB', 'A\n\nB'],
    ['A ![]() B', 'A B'],
    ['<figure>\n<img src="image_1.png" alt="a">\n</figure>', '<figure>\n</figure>'],
    ['A\n\n\nB ![x](image_1.png)\n\n\nC', 'A\n\n\nB\n\n\nC'],
  ] as const)
    it(`are gone: ${JSON.stringify(page)}`, () => assert.equal(dropImages(page), left))

  for (const page of [
    'A\n\n\nB',
    '![logo](https://a.example/image_1.png)',
    '`![image](image_1.png)`',
    '```\n![image](image_1.png)\n```\n',
    '[image](image_1.png)',
    '![title](10,20,300,400) Minutes',
  ])
    it(`are nothing else: ${JSON.stringify(page)}`, () => assert.equal(dropImages(page), page))
})
