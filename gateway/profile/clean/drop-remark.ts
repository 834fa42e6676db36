/**
 * What models say of a picture instead of its text: that there is none, or that it cannot be read. Each is a whole
 * sentence, in lower case and without its last sign. Nearly all name the picture: "No text" or "This page intentionally
 * left blank" is what real pages say. LightOnOCR-2 under vLLM says the first to every empty page
 * (https://huggingface.co/davanstrien/LightOnOCR-2-1B-no-blank-commentary).
 */
const REMARKS: readonly RegExp[] = (() => {
  const image = String.raw`(?:(?:the|this|that|your) )?(?:(?:provided|given|attached|uploaded|supplied|input|scanned|document) )*(?:image|picture|photo|photograph|screenshot)s?(?: (?:you )?(?:provided|uploaded|attached|shared|sent))?`
  const text = String.raw`(?:(?:readable|visible|legible|discernible|recogni[sz]able|identifiable|extractable|clear|actual|written|meaningful) )*(?:or )?(?:text(?:ual)?|content|words?|characters?|letters?|writing)(?: (?:content|information|data|elements?))?`
  const poor =
    'blank|empty|blurry|blurred|unclear|illegible|unreadable|low[- ]resolution|low[- ]quality|noisy|pixelated|distorted'
  // Of a picture that is only dark or small, there is more to say: a caption does.
  const tint = 'white|black|dark|faint|small'
  const hence = String.raw`(?:,? (?:to (?:read|see|be|make|discern|recogni[sz]e|identify|extract|transcribe|process)|so|for|with no|without|making|page|image|picture|photo|sheet|document|screen|rectangle|background|canvas|white|black|blank|and (?:contains?|has|have|does|do|cannot|can't|there|i|not|no|the text|${poor}))\b.{0,160})?`
  const zhImage = '(?:在)?(?:这|该|此)?(?:所)?(?:您)?(?:提供的|上传的|给定的)?(?:张|幅)?(?:图片|图像|图|照片|画面)'
  const zhText =
    '(?:任何)?(?:可以?|能够?|有效|清晰|明显)*(?:被)?(?:识别|辨认|辨识|读取|阅读|提取|见|读)?(?:出来?)?(?:的)?(?:任何)?(?:文字|文本|字符|字|内容)(?:内容|信息)?'
  return [
    `there(?: is|'s| are| was| were| appears? to be| seems? to be)(?: no| not any) ${text}(?: [a-z ]{0,40})? (?:in|on|within|from) ${image}(?: .{0,120})?`,
    `no ${text}(?: [a-z ]{0,40})? (?:in|on|within|from) ${image}(?: .{0,60})?`,
    `no ${text} (?:(?:is|was|were|are|has been|can be|could be) )?(?:found|detected|recogni[sz]ed|identified|extracted)`,
    'no (?:readable|visible|legible|recogni[sz]able) text(?: content)?',
    `${image} (?:(?:does|do|did) not|doesn't|don't) (?:appear to |seem to )?(?:contain|have|include|show|display)(?: any)? ${text}(?: .{0,120})?`,
    `${image} (?:contains?|has|have|shows?) no ${text}(?: .{0,120})?`,
    `${image} (?:is|are|appears?(?: to be)?|seems?(?: to be)?|looks) (?:(?:completely|entirely|totally|too|very|mostly|just|a|an|extremely|quite) )*(?:${poor}|(?<=(?:completely|entirely|totally|too|very|mostly|extremely) )(?:${tint})|(?:${tint})(?=,? (?:to|so|and)\\b))${hence}`,
    '(?:the )?(?:image|picture|photo) quality is (?:(?:too|very) )?(?:low|poor|bad)(?: .{0,120})?',
    `(?:unable to|cannot) (?:read|extract|recogni[sz]e|detect|identify|find) (?:any |the )?text (?:from|in) (?:the|this) (?:provided )?(?:image|picture)`,
    `(?:the )?${text} (?:in|on|of) ${image} (?:is|are|appears?(?: to be)?) (?:(?:too|very|completely) )*(?:${poor}|${tint}|not (?:legible|readable|visible|clear))(?: .{0,120})?`,
    `(?:i|we)(?: am|'m| are|'re)? (?:cannot|can't|can not|could not|couldn't|do not|don't|unable to|not able to) (?:see|read|find|detect|recogni[sz]e|identify|extract|make out|transcribe|process|view|interpret)\\b.{0,120}\\b(?:image|picture|photo|screenshot)s?(?: .{0,120})?`,
    "(?:i'm|i am) sorry,? but i (?:cannot|can't|am unable to) (?:assist|help) with .{0,60}",
    'non[- ]?text(?:ual)?|(?:un)?readable image|(?:blank|empty) image|image without text',

    `${zhImage}(?:中|里|上|内|当中)?(?:似乎|可能|并)*(?:没有|无|未|不含|不包含|未包含|没有包含|看不到|看不出|不存在|找不到|无法)(?:有)?(?:包含|检测|识别|发现|提取|找|看|显示)?(?:到|出)?${zhText}`,
    `(?:没有|未能?|无法)(?:检测|识别|发现|提取|找|看|读取)(?:到|出)?(?:(?:图片|图像|图)(?:中|里|上)?的?)?${zhText}`,
    `无(?:可识别的?|可见的?|可读的?|任何)(?:文字|文本)(?:内容|信息)?|无文字内容|无文本内容`,
    `(?:由于)?${zhImage}(?:内容|质量)?(?:太|过于|较为|非常|很|是|为|完全|一片|一张)*(?:模糊|不清晰|不清楚|空白?|过暗|太暗)(?:的|了|不清)?(?:图片|图像|页面)?(?:[,，]?\\s*(?:因此|所以)?(?:无法|不能|难以|看不清).{0,30})?`,
    '这是一(?:张|幅|个)(?:完全)?空白的?(?:图片|图像)',

    '(?:この|提供された|与えられた|入力)?(?:画像|写真|イメージ)(?:に|には|の中に|の中には|内に|内には|から|からは)(?:何も)?(?:読み取れる|判読可能な|判読できる|認識できる|認識可能な|可読)?(?:な)?(?:テキスト|文字|文章|内容|コンテンツ)?(?:情報)?(?:が|は|を)?(?:含まれていません|含まれておりません|ありません|存在しません|見つかりません|見当たりません|検出されません|検出できません|読み取れません|認識できません|確認できません|抽出できません|書かれていません|ない|なし)(?:でした)?',
    '(?:この)?(?:画像|写真)(?:が|は)(?:非常に|完全に|とても)?(?:ぼやけて|不鮮明|空白|白紙|真っ白|暗く).{0,60}',
    '(?:テキスト|文字)(?:は|が)(?:(?:検出|認識)(?:されません|できません)|見つかりません)(?:でした)?',

    '(?:(?:이|제공된|해당|주어진) ?)?(?:이미지|사진|그림)(?:에|에는|에서|에서는) ?(?:.{0,14} )?(?:텍스트|글자|문자|내용)(?:가|이|는|은|를|을)? ?(?:없습니다|포함되어 있지 않습니다|보이지 않습니다|찾을 수 없습니다|인식할 수 없습니다|없음)',
    '(?:이미지|사진)(?:가|는|이) ?(?:너무 ?)?(?:흐릿|흐려|비어|어두|선명하지).{0,60}',

    "(?:il n'y a (?:aucun|pas de)|aucun|pas de) (?:texte|contenu|mot|caractère)s?(?: .{0,60})? (?:dans|sur) (?:l'|cette |la )(?:image|photo)(?: .{0,60})?",
    "(?:l'image|cette image|la photo)(?: fournie)? (?:ne contient (?:aucun|pas de) (?:texte|contenu|mot|caractère)s?(?: .{0,120})?|est (?:(?:trop|complètement|entièrement|très) )*(?:floue|vide|vierge|blanche|noire|sombre|illisible)(?:,? (?:pour|et ne|donc|sans)\\b.{0,120})?)",
    "aucun texte (?:n'(?:a été|est) )?(?:détecté|trouvé|lisible|visible|reconnu)",

    'es (?:ist|gibt|befindet sich|wurde|sind) keine?n? (?:.{0,20} )?(?:text|inhalte?|schrift)(?: .{0,30})? (?:in|im|auf|aus) (?:dem |diesem |der |dieser )?(?:bereitgestellten |vorliegenden )?(?:bild|abbildung|foto)(?: .{0,60})?',
    '(?:in|auf) (?:dem|diesem) (?:bereitgestellten |vorliegenden )?(?:bild|foto) (?:ist|gibt es|befindet sich|sind|steht|kann|wurde|konnte) keine?n? (?:.{0,20} )?(?:text|inhalte?|schrift)(?: .{0,60})?',
    String.raw`(?:das|dieses) (?:bereitgestellte |vorliegende )?(?:bild|foto) (?:enthält keine?n? (?:.{0,20} )?(?:text|inhalte?|schrift|wörter|zeichen)\b.{0,120}|ist (?:(?:zu|komplett|vollständig|völlig|sehr) )*(?:leer|weiß|schwarz|dunkel|unscharf|verschwommen|undeutlich|unleserlich|unlesbar)(?:,? (?:um|und enthält|sodass|so dass|daher|ohne)\b.{0,120})?)`,
    'kein (?:lesbarer |erkennbarer )?text (?:erkannt|gefunden|erkennbar|im bild|auf dem bild)(?: .{0,40})?',

    '(?:no hay|no existe|no se (?:encontró|encuentra|detectó|detecta|observa|ve|puede leer|reconoce)) (?:ningún )?(?:texto|contenido)(?: .{0,60})? (?:en|de) (?:la|esta) (?:imagen|foto|fotografía)(?: .{0,60})?',
    '(?:la|esta) imagen(?: proporcionada)? (?:no (?:contiene|tiene|muestra) (?:ning[uú]na? )?(?:texto|contenido|palabra|letra)s?(?: .{0,120})?|(?:está|es) (?:(?:demasiado|completamente|totalmente|muy) )*(?:borrosa|vacía|en blanco|oscura|ilegible)(?:,? (?:para|y no contiene|por lo que|sin)(?= ).{0,120})?)',
    'no se (?:detectó|encontró|reconoció) (?:ningún )?texto',

    "(?:non (?:c'è|ci sono|è presente|vi è)|nessun) ?(?:alcun |nessun )?(?:testo|contenuto)(?: .{0,60})? (?:nell'|in questa |nella )(?:immagine|foto)(?: .{0,60})?",
    "(?:l'immagine|questa immagine)(?: fornita)? (?:non contiene (?:alcun |nessun |del )?(?:testo|contenuto|parol[ae])(?: .{0,120})?|è (?:(?:troppo|completamente|molto) )*(?:sfocata|vuota|bianca|scura|illeggibile)(?:,? (?:per|e non contiene|quindi|senza)(?= ).{0,120})?)",
    'nessun testo (?:rilevato|trovato|leggibile|visibile|riconosciuto)',

    'er (?:is|staat|zijn) geen (?:.{0,20} )?(?:tekst|inhoud|woorden)(?: .{0,40})? (?:in|op) (?:de|het|deze|dit) (?:verstrekte |aangeleverde )?(?:afbeelding|beeld|foto|plaatje)(?: .{0,60})?',
    '(?:de|deze) (?:verstrekte )?(?:afbeelding|foto) (?:bevat geen (?:.{0,20} )?(?:tekst|inhoud|woorden)(?: .{0,120})?|is (?:(?:te|helemaal|volledig|erg) )*(?:leeg|wazig|onscherp|donker|blanco)(?:,? (?:om|en bevat|dus|zonder)(?= ).{0,120})?)',
    'geen tekst (?:gevonden|gedetecteerd|herkend)',

    'não (?:há|existe|foi (?:encontrado|detectado|detetado)) (?:nenhum )?(?:texto|conteúdo)(?: .{0,60})? (?:na|nesta|nessa|da) (?:imagem|foto)(?: .{0,60})?',
    '(?:a|esta) imagem(?: fornecida)? (?:não (?:contém|tem|possui) (?:nenhuma? )?(?:texto|conteúdo|palavra)s?(?: .{0,120})?|está (?:(?:muito|demasiado|completamente) )*(?:desfocada|borrada|vazia|em branco|escura)(?:,? (?:para|e não contém|por isso|sem)(?= ).{0,120})?)',
    'nenhum texto (?:foi )?(?:encontrado|detectado|detetado|reconhecido)(?: na imagem)?',

    'det finns ingen (?:.{0,20} )?text(?: .{0,40})? (?:i|på) (?:den här |den |denna )?(?:tillhandahållna )?bild(?:en)?(?: .{0,60})?',
    'bilden (?:innehåller ingen (?:.{0,20} )?text(?: .{0,120})?|är (?:(?:för|helt|mycket) )*(?:suddig|tom|blank|mörk|oskarp)(?:,? (?:för att|och innehåller|så)(?= ).{0,120})?)',
    'ingen text (?:hittades|upptäcktes|identifierades|kunde .{0,40})(?: .{0,40})?',

    'd(?:er|et) er ingen (?:.{0,20} )?(?:tekst|ind?hold)(?: .{0,40})? (?:i|på) (?:det |dette )?(?:leverede |medfølgende )?(?:billede|bilde)t?(?: .{0,60})?',
    'billedet (?:indeholder ingen (?:.{0,20} )?tekst(?: .{0,120})?|er (?:(?:for|helt|meget) )*(?:sløret|tomt|uskarpt|mørkt|blankt)(?:,? (?:til at|og indeholder|så)(?= ).{0,120})?)',
    'ingen tekst (?:fundet|registreret|genkendt)',

    'на (?:этом |данном |предоставленном )?(?:изображении|картинке|фото|фотографии) (?:нет|отсутствует|не (?:обнаружено|найдено|видно|содержится))(?: .{0,30})? (?:текст|надпис|содержим|слов)[а-я]*(?: .{0,60})?',
    '(?:изображение|картинка)(?: .{0,20})? (?:не содержит (?:.{0,20} )?(?:текст|надпис|слов|содержим)|слишком (?:размыт|нечётк|нечетк|тёмн|темн)|пуст|размыт).{0,120}',
    'текст(?: на изображении)? (?:не (?:обнаружен|найден|распознан)|отсутствует)(?: на изображении)?',

    'لا (?:يوجد|توجد) (?:أي )?(?:نص|محتوى)(?: .{0,60})? (?:في|على) (?:هذه )?(?:ال)?صورة(?: .{0,60})?',
    'الصورة (?:لا تحتوي على|فارغة|غير واضحة|ضبابية)(?: .{0,80})?',
    '(?:trong|trên) (?:hình ảnh|hình|ảnh|bức ảnh)(?: này)? không có (?:.{0,10} )?(?:văn bản|chữ|nội dung)(?: .{0,40})?',
    '(?:v|na) (?:tomto |poskytnutém )?obrázku (?:není|nejsou|se nenachází) (?:.{0,20} )?(?:text|obsah)(?: .{0,60})?',
    'kuvassa ei ole (?:.{0,20} )?(?:teksti|sisältö)[a-zä]*(?: .{0,60})?',
    '(?:ไม่มี|ไม่พบ)(?:ข้อความ|ตัวอักษร)(?:ใดๆ)?(?:อยู่)?(?:ใน|บน)(?:ภาพ|รูป)(?:ภาพ)?(?:นี้)?',
    '(?:इस |दी गई )?(?:छवि|चित्र) में कोई (?:.{0,20} )?(?:पाठ|टेक्स्ट|सामग्री) नहीं है[ ।]*',
    '(?:không có|không tìm thấy|không phát hiện) (?:.{0,10} )?(?:văn bản|chữ|nội dung)(?: .{0,40})? (?:trong|trên) (?:hình|ảnh|bức ảnh)(?: .{0,60})?',
    '(?:na|w) (?:tym |podanym )?(?:obrazie|obrazku|zdjęciu) (?:nie ma|brak)(?: .{0,20})? (?:tekstu|treści)(?: .{0,60})?',
    '(?:bu |verilen |sağlanan )?(?:görselde|görüntüde|resimde)(?: .{0,40})? (?:metin|yazı|içerik)(?: .{0,20})? (?:yok|yoktur|bulunmuyor|bulunmamaktadır)',
    'tidak ada (?:teks|tulisan|konten)(?: .{0,40})? (?:dalam|pada|di) gambar(?: .{0,60})?',
  ].map((source) => new RegExp(`^(?:${source})$`, 'u'))
})()

const EXCUSE =
  /^(?:(?:sorry|unfortunately|i'm sorry|i am sorry|désolée?|leider|lo siento|entschuldigung|desculpe|извините|к сожалению|抱歉|对不起|很抱歉|很遗憾|申し訳(?:ありません|ございません)が|죄송합니다)[,，、.]? ?(?:but |pero |mas |mais |но )?|(?:it (?:seems|appears|looks like)(?: that)?) )+/u

/** The signs in which Chinese in its traditional script differs, in these sentences. */
const SIMPLE: Readonly<Record<string, string>> = {
  圖: '图', 沒: '没', 無: '无', 檢: '检', 測: '测', 識: '识', 別: '别', 內: '内', 見: '见', 張: '张', 這: '这', 該: '该',
  畫: '画', 讀: '读', 認: '认', 為: '为', 對: '对', 發: '发', 現: '现', 訊: '信', 資: '信', 傳: '传', 給: '给', 顯: '显', 麼: '么',
} // prettier-ignore

/** Longer answers say more than that. */
const MAX_SENTENCE_CHARACTERS = 240
const MAX_REMARK_CHARACTERS = 400

/** Tells whether an answer, as a whole, only says that the picture has no text or cannot be read. */
export function isRemark(text: string): boolean {
  const said = text.trim()
  if (said === '' || said.length > MAX_REMARK_CHARACTERS) return false
  const lines = said.split(/\s*\n\s*/).filter((line) => !/^`{3,}\w*$/.test(line))
  return lines.length > 0 && lines.every(isRemarkLine)
}

function isRemarkLine(line: string): boolean {
  const bare = line.normalize('NFKC').toLowerCase().replaceAll(/[’‘]/g, "'").replaceAll(/\s+/g, ' ')
  // "[No text]" is a remark; "No text" may stand on a page.
  if (/^[[(<{*]+ ?no[- ]text(?: content| found)? ?[\])>}*]+$/.test(bare)) return true
  const unmarked = bare.replace(/^[\s"“”„«»'*_`#>[\](){}<]+/u, '')
  const [sentence = ''] = /^.+?(?:[.!?。]+(?=\s|$|[^\d\s.])|$)/u.exec(unmarked) ?? []
  if (unmarked.length - sentence.length > MAX_SENTENCE_CHARACTERS) return false
  const said = sentence.replace(/[\s"“”„«»'*_`\](){}>.!?。]+$/u, '')
  // Japanese has some of these signs, too.
  const simple = Array.from(said, (sign) => SIMPLE[sign] ?? sign).join('')
  return [said, simple]
    .flatMap((it) => [it, it.replace(EXCUSE, '')])
    .some((it) => it.length <= MAX_SENTENCE_CHARACTERS && REMARKS.some((remark) => remark.test(it)))
}

/** Returns an empty text for an answer that is only a remark about the picture, and any other answer as it is. */
export function dropRemark(text: string): string {
  return isRemark(text) ? '' : text
}
