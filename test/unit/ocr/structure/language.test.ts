import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { languageOf } from '../../../../gateway/ocr/structure/language.ts'

describe('the language of a text', () => {
  const rows: readonly (readonly [string | null, string])[] = [
    ['en', 'The committee met on Tuesday and agreed that the report should be published before the end of the year, with all of its annexes and tables, so that members could comment on it.'], // prettier-ignore
    ['de', 'Der Ausschuss hat am Dienstag getagt und beschlossen, dass der Bericht mit allen Anhängen und Tabellen noch vor dem Ende des Jahres veröffentlicht werden soll, damit die Mitglieder ihn lesen können.'], // prettier-ignore
    ['fr', "Le comité s'est réuni mardi et a décidé que le rapport serait publié avant la fin de l'année avec toutes ses annexes et tous ses tableaux, afin que les membres puissent le commenter."], // prettier-ignore
    ['es', 'El comité se reunió el martes y acordó que el informe se publicara antes de fin de año con todos sus anexos y cuadros, para que los miembros pudieran hacer sus comentarios sobre él.'], // prettier-ignore
    ['ru', 'Комитет собрался во вторник и решил, что доклад со всеми приложениями и таблицами будет опубликован до конца года, чтобы члены комитета могли высказать свои замечания.'], // prettier-ignore
    ['el', 'Η επιτροπή συνεδρίασε την Τρίτη και αποφάσισε ότι η έκθεση θα δημοσιευθεί πριν από το τέλος του έτους με όλα τα παραρτήματα και τους πίνακές της για τα μέλη.'], // prettier-ignore
    ['ar', 'اجتمعت اللجنة يوم الثلاثاء وقررت أن التقرير يجب أن ينشر قبل نهاية السنة مع جميع مرفقاته وجداوله حتى يتمكن الأعضاء من التعليق عليه في الدورة القادمة للجمعية العامة.'], // prettier-ignore
    ['he', 'הוועדה התכנסה ביום שלישי והחליטה כי הדוח יפורסם לפני סוף השנה עם כל הנספחים והטבלאות שלו כדי שהחברים יוכלו להגיב עליו בישיבה הבאה של האסיפה הכללית, שתתקיים בחודש הבא בעיר ירושלים.'], // prettier-ignore
    ['zh', '委员会星期二开会，决定在年底之前公布报告及其所有附件和表格，以便各成员能够提出意见，并在下次会议上讨论。'],
    ['ja', '委員会は火曜日に開かれ、年末までに報告書をすべての附属書および表とともに公表することを決定した。'],
    [
      'ko',
      '위원회는 화요일에 모여 연말 이전에 모든 부속서와 표와 함께 보고서를 발표하기로 결정하였다. 회원들은 다음 회의에서 의견을 낼 수 있다.',
    ],
    [null, 'Invoice 12'],
    [null, '1234 5678 '.repeat(100)],
    [null, ''],
  ]
  for (const [language, text] of rows)
    it(`is told by its letters: ${language ?? 'none'}: ${text.slice(0, 12)}`, () =>
      assert.equal(languageOf(text), language))
})
