import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nameImages } from '../../../../gateway/ocr/markdown/image-names.ts'

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
