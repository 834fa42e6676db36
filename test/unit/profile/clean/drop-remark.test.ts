import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dropRemark } from '../../../../gateway/profile/clean/drop-remark.ts'

describe('a remark about the picture', () => {
  const dropped = [
    'There is no content in the provided image to convert into Markdown format.',
    '\nThere is no content in the provided image to convert into Markdown format. The image appears to be blank.\n',
    'there is no content in the provided image.',
    'There is no readable text in this image.',
    'There is no text visible in the image.',
    'There are no words in the picture.',
    'There is no text in the image.\n\nThe image appears to be blank.',
    'No text is visible in the image.',
    'No text detected.',
    'No readable text',
    'The image is too blurry to recognize any text content.',
    'The image does not contain any readable text.',
    'The provided image contains no text.',
    'The image appears to be completely blank.',
    'The image is blank. Please provide an image with text.',
    'The text in the image is too small to read.',
    'I cannot read any text in this image.',
    "I'm sorry, but I can't make out any text in the image you provided.",
    'Unfortunately, the image is too dark to read.',
    "I'm sorry, but I can't assist with that.",
    '[Non-Text]',
    '[No text]',
    '**No text found in the image.**',
    '"There is no text in the image"',
    '图片中没有文字。',
    '图中没有可识别的文本内容',
    '图中没有可识别的文字。',
    '圖片中沒有文字。',
    '这张图片中没有任何文字内容。',
    '抱歉，图片过于模糊，无法识别文字。',
    '未检测到文字',
    '无法识别图中文字'.replace('图中', ''),
    '这是一张空白图片。',
    '画像にはテキストが含まれていません。',
    'この画像に文字はありません。',
    '이미지에 텍스트가 없습니다.',
    "Il n'y a pas de texte dans cette image.",
    "Aucun texte lisible n'est visible dans l'image.",
    "L'image est trop floue pour reconnaître du texte.",
    'Auf dem Bild ist kein lesbarer Text zu erkennen.',
    'Das Bild enthält keinen Text.',
    'Es ist kein Text in diesem Bild vorhanden.',
    'Kein Text erkannt.',
    'No hay texto legible en la imagen.',
    'La imagen está demasiado borrosa para reconocer el texto.',
    "Non c'è testo nell'immagine.",
    "L'immagine non contiene testo leggibile.",
    'Er is geen leesbare tekst in de afbeelding.',
    'Não há texto legível na imagem.',
    'A imagem não contém texto.',
    'Det finns ingen läsbar text i bilden.',
    'Der er ingen tekst i billedet.',
    'На изображении нет текста.',
    'Изображение не содержит текста.',
    'لا يوجد نص في الصورة.',
  ]
  for (const text of dropped) it(`is dropped: ${text.trim()}`, () => assert.equal(dropRemark(text), ''))

  const kept = [
    { name: 'a page that quotes it', text: '# Errors\n\nThere is no content in the provided image.' },
    { name: 'a page that begins with it', text: 'There is no content in the provided image.\n\nSection 2' },
    {
      name: 'a paragraph that begins with it',
      text: `There is no content in the provided image ${'and so on '.repeat(30)}`,
    },
    { name: 'another sentence', text: 'There is no content.' },
    { name: 'an empty answer', text: '' },
    ...[
      'No text',
      'Empty page',
      'This page intentionally left blank',
      '[This page intentionally left blank.]',
      'This page is blank.',
      'There are no questions printed on this page.',
      'DO NOT WRITE ON THIS PAGE',
      'No image available',
      'Image not found',
      'N/A',
      'None',
      'Blank',
      'Text',
      'Non-fiction',
      'Picture of the year',
      'The image of the city in the modern novel',
      'The picture is worth a thousand words.',
      'An image of the Virgin, dark with age',
      '![image](image_1.png)',
      '此页空白',
      '无',
      '本页无正文',
      '图1',
      '図なし',
      'Diese Seite wurde absichtlich leer gelassen.',
      'Esta página se ha dejado en blanco intencionadamente.',
      'Seite 3',
      'No pictures in the exhibition, please.',
      'Kein Zutritt',
      'Text folgt',
      'Aucun texte',
    ].map((text) => ({ name: text, text })),
  ]
  for (const { name, text } of kept) it(`is not found in: ${name}`, () => assert.equal(dropRemark(text), text))

  it('takes no time to look for in a long answer', () => {
    for (const piece of ['a ', 'the image is ', '图片中', '*', '. ']) {
      const before = process.cpuUsage()
      for (let length = 100; length <= 1000; length += 100) dropRemark(piece.repeat(length).slice(0, 400))
      assert.ok(process.cpuUsage(before).user < 500_000)
    }
  })
})
