/** `@dash-relay/client/react/languages/de`: the assistant in German. */
import { counted, percent } from '../assistant/counted.ts';
import type { AssistantStrings, LimitOf } from '../assistant/strings.ts';

const questions = counted('de', { one: 'noch # Frage', other: 'noch # Fragen' });
const percentage = percent('de');
const today = ({ period }: LimitOf): string => (period === 'day' ? 'heute' : 'diesen Monat');

export const GERMAN: AssistantStrings = {
  locale: 'de',
  direction: 'ltr',
  assistant: 'Dash',
  greeting: 'Woran wollen wir arbeiten?',
  greetingDetail: 'Stell eine Frage, plane eine Stunde oder geh die Hausaufgaben Schritt für Schritt durch.',
  suggestions: 'Vorschläge',
  starters: [
    {
      title: 'Fotosynthese erklären',
      detail: 'einfach und mit einem Beispiel',
      prompt: 'Erkläre einem zehnjährigen Kind die Fotosynthese, mit einem Beispiel.',
    },
    {
      title: 'Eine Stunde planen',
      detail: 'Bruchrechnen, 45 Minuten, 5. Klasse',
      prompt: 'Plane eine Stunde von 45 Minuten über Bruchrechnen für die 5. Klasse.',
    },
    {
      title: 'Bei Hausaufgaben helfen',
      detail: 'ein Schritt nach dem anderen',
      prompt: 'Hilf mir, 3x + 7 = 22 zu lösen, einen Schritt nach dem anderen.',
    },
    {
      title: 'Frag mich ab',
      detail: 'über das Sonnensystem',
      prompt: 'Stell mir fünf Fragen über das Sonnensystem, mit den Antworten am Ende.',
    },
  ],
  placeholder: 'Frag Dash',
  send: 'Senden',
  stop: 'Antwort anhalten',
  you: 'Du',
  messages: 'Nachrichten',

  conversations: 'Gespräche',
  newConversation: 'Neues Gespräch',
  showConversations: 'Gespräche zeigen',
  hideConversations: 'Gespräche schließen',
  noConversations: 'Hier stehen bald deine Gespräche.',
  answering: 'Antwortet…',
  elsewhere: {
    heading: 'Auf deinen anderen Geräten',
    title: 'Auf einem anderen Gerät gefragt',
    note: 'Dash antwortet gerade auf einem anderen deiner Geräte.',
    show: 'Hier zeigen',
  },
  unread: 'Neue Antwort',
  unreadCount: counted('de', { one: '# neue Antwort', other: '# neue Antworten' }),
  searchConversations: 'Gespräche durchsuchen',
  nothingFound: 'Nichts gefunden',
  foundConversations: counted('de', { one: '# Gespräch gefunden', other: '# Gespräche gefunden' }),
  groups: { today: 'Heute', yesterday: 'Gestern', lastWeek: 'Letzte 7 Tage', older: 'Älter' },
  moreFor: (title) => `Mehr zu „${title}“`,
  rename: 'Umbenennen',
  conversationName: 'Name des Gesprächs',
  saveName: 'Namen speichern',
  saveConversation: 'Als Datei sichern',
  print: 'Drucken oder als PDF sichern',
  delete: 'Löschen',
  deleteConversation: (title) => `Löschen: „${title}“`,
  deleted: (title) => `„${title}“ wurde gelöscht.`,
  undo: 'Rückgängig',
  showEarlier: 'Frühere Nachrichten zeigen',
  jumpToLatest: 'Zum Neuesten springen',
  newText: 'Neuer Text weiter unten',

  connecting: 'Verbindet…',
  thinking: 'Denkt nach…',
  thinkingThrough: 'Denkt gründlich nach…',
  showThought: 'Zeigen, was Dash denkt',
  hideThought: 'Verbergen, was Dash denkt',
  lookingUp: 'Schlägt etwas nach…',
  streaming: 'Schreibt…',
  reconnecting: 'Verbindet neu…',
  stopping: 'Hält an…',
  stopped: 'Du hast diese Antwort angehalten.',
  cutShort: 'Diese Antwort ist so lang geworden, wie sie sein darf.',
  declined:
    'Dabei kann Dash nicht helfen. Frag nach etwas anderem, oder sprich darüber mit einem Erwachsenen, dem du vertraust.',
  refusals: {
    general_harms:
      'Darauf antwortet Dash nicht, weil es jemandem schaden könnte. Wenn dich etwas bedrückt, sprich mit einem Erwachsenen, dem du vertraust. Frag stattdessen, wie man sich schützt.',
    cyber:
      'Dash hilft nicht dabei, in Computer oder Konten einzudringen. Frag, wie man sie schützt oder wie ein Programm funktioniert.',
    bio: 'Darauf geht Dash nicht ein, weil manches davon gefährlich ist. Frag, wie der Körper, Pflanzen oder Arzneien allgemein wirken.',
    reasoning_extraction:
      'Dash zeigt nicht, wie es innen arbeitet. Bitte es, dir die Antwort Schritt für Schritt zu erklären.',
    frontier_llm:
      'Dash hilft nicht dabei, Systeme wie sich selbst zu bauen. Frag, wie Computer überhaupt lernen.',
  },
  changeQuestion: 'Frage ändern',
  nothingSaid: 'Dash hat nichts geantwortet. Frag noch einmal oder mit anderen Worten.',
  offline: 'Du bist offline. Sobald es eine Verbindung gibt, geht es weiter.',
  offlineAnswering: 'Du bist offline. Deine Antwort geht weiter, sobald es eine Verbindung gibt.',
  networkWaits:
    'Du hast ein Netz, aber Dash ist darüber nicht zu erreichen. Im WLAN einer Schule musst du dich vielleicht erst anmelden: Öffne irgendeine Webseite. Dash versucht es weiter.',

  limitLeft: (left, of) =>
    of.scope === 'user'
      ? `Du kannst ${today(of)} ${questions(left)} stellen.`
      : `Alle an deiner Schule zusammen können ${today(of)} ${questions(left)} stellen.`,
  limitUsed: (used, of) =>
    `${of.scope === 'user' ? 'Du hast' : 'Deine Schule hat'} ${percentage(used)} von dem verbraucht, was ${today(of)} gefragt werden kann.`,
  limitResets: (when) => `Neu beginnt es am ${when}.`,
  dismiss: 'Hinweis schließen',

  canBeWrong: 'Dash ist eine KI und kann sich irren. Prüfe, was wichtig ist.',
  report: {
    open: 'Diese Antwort melden',
    title: 'Was stimmt mit dieser Antwort nicht?',
    categories: {
      wrong: 'Sie ist falsch',
      unkind: 'Sie ist gemein',
      unsafe: 'Sie könnte gefährlich sein',
      private: 'Sie verrät etwas Privates',
      other: 'Etwas anderes',
    },
    detail:
      'Deine Schule erfährt, welche Antwort es war und wer sie meldet. Wörter werden nur gesendet, wenn du sie ankreuzt.',
    withAnswer: 'Den Text der Antwort mitsenden',
    withNote: 'Etwas dazu sagen',
    note: 'Was du sagen willst',
    send: 'Meldung senden',
    sending: 'Sendet…',
    thanks: 'Danke. Deine Meldung ist angekommen.',
    failed: 'Die Meldung konnte nicht gesendet werden. Prüfe die Verbindung und versuch es noch einmal.',
    tooMany: 'Du hast viele Meldungen gesendet. Warte ein wenig bis zur nächsten.',
    close: 'Schließen',
  },

  yourQuestion: 'Deine Frage',
  version: (which) => `Fassung ${which}`,
  previousVersion: 'Vorige Fassung',
  nextVersion: 'Nächste Fassung',
  continueAnswer: 'Weiterschreiben',
  continuePrompt:
    'Schreib genau dort weiter, wo du aufgehört hast. Wiederhole nichts von dem, was du schon gesagt hast.',
  continued: 'Fortsetzung',
  readAloud: 'Vorlesen',
  stopReading: 'Vorlesen anhalten',
  retry: 'Noch einmal versuchen',
  regenerate: 'Noch einmal fragen',
  copy: 'Kopieren',
  copyAnswer: 'Antwort kopieren',
  copyCode: 'Code kopieren',
  copied: 'Kopiert',
  code: 'Programmcode',
  table: 'Tabelle',
  image: 'Bild',
  formula: 'Formel',
  footnote: (label) => `Fußnote ${label}`,
  backToText: 'Zurück zum Text',

  attach: 'Foto oder Datei hinzufügen',
  takePhoto: 'Foto aufnehmen',
  choosePhotos: 'Fotos auswählen',
  chooseDocuments: 'PDF-Datei auswählen',
  chooseFiles: 'Fotos oder PDF-Dateien auswählen',
  dropHere: 'Hier ablegen, um danach zu fragen',
  attached: 'Geht mit deiner Frage mit',
  photoNumber: (number) => `Foto ${number}`,
  documentNumber: (number) => `PDF-Datei ${number}`,
  pageCount: counted('de', { one: '# Seite', other: '# Seiten' }),
  preparingFile: 'Wird vorbereitet…',
  sendingFile: 'Wird gesendet…',
  sendingFiles: 'Sendet deine Fotos und Dateien…',
  fileReady: 'Bereit',
  sendsWhenReady: 'Deine Frage wird gesendet, sobald alles bereit ist.',
  dontSendYet: 'Noch nicht senden',
  describeHint: 'Was ist darauf?',
  describeFile: (name) => `Was ist auf ${name}? (freiwillig)`,
  removeFile: (name) => `${name} entfernen`,
  removeFailed:
    'Etwas ließ sich nicht hinzufügen. Entferne es oder versuch es noch einmal, dann sende deine Frage.',
  tooManyFiles: counted('de', {
    one: 'Mit einer Frage kann nur # mitgehen.',
    other: 'Mit einer Frage können nur # mitgehen. Sende diese zuerst.',
  }),
  askAboutFiles: 'Bitte hilf mir dabei.',
  enlarge: (what) => `Vergrößern: ${what}`,
  closePhoto: 'Schließen',
  fileGone: 'nicht aufbewahrt, damit es privat bleibt',
  fileProblems: {
    heic: 'Diese Art Foto (HEIC) lässt sich hier nicht öffnen. Mach einen Screenshot davon und füge den hinzu, oder speichere es als JPEG.',
    drawing: 'Das ist eine Zeichnung (SVG). Mach einen Screenshot davon und füge den hinzu.',
    moving: 'Dieses Bild bewegt sich. Füge stattdessen ein Foto oder einen Screenshot hinzu.',
    notPhoto: 'Das ist kein Foto. Mach ein Foto von der Seite oder einen Screenshot.',
    damaged: 'Das ließ sich nicht öffnen, vielleicht ist es beschädigt. Mach das Foto noch einmal.',
    tooLarge: 'Das ist zu groß. Mach ein Foto von einem kleineren Teil.',
    noDocuments: 'PDF-Dateien lassen sich hier nicht lesen. Mach stattdessen ein Foto von der Seite.',
    encrypted: 'Diese PDF-Datei hat ein Passwort. Speichere sie ohne, dann füge sie noch einmal hinzu.',
    tooManyPages:
      'Diese PDF-Datei hat zu viele Seiten. Speichere nur die Seiten, die du brauchst, und füge die hinzu.',
    tooManyWaiting: 'Es warten schon zu viele Fotos. Warte ein paar Minuten, dann versuch es noch einmal.',
    noCamera:
      'Dash darf die Kamera nicht benutzen. In den Einstellungen deines Geräts kannst du es erlauben.',
    notTaken: 'Hier lassen sich keine Fotos senden. Schreib deine Frage stattdessen.',
    signIn: 'Du bist abgemeldet. Melde dich wieder an, dann versuch es noch einmal.',
    busy: 'Das ließ sich gerade nicht senden. Versuch es gleich noch einmal.',
    unreachable: 'Das ließ sich nicht senden. Prüf deine Verbindung, dann versuch es noch einmal.',
  },

  linkTitle: 'Diesen Link öffnen?',
  linkDetail: (host) => `Er führt zu ${host}, aus dieser App hinaus. Dash hat die Seite nicht geprüft.`,
  mailDetail: 'Er öffnet eine neue Nachricht an diese Adresse.',
  linkUnusual:
    'Die Adresse enthält ungewöhnliche Zeichen. Vielleicht ahmt sie eine Seite nach, die du kennst.',
  openLink: 'Link öffnen',
  cancel: 'Abbrechen',

  saysThinking: 'Dash denkt nach.',
  saysDone: 'Dash hat geantwortet.',
  saysStopped: 'Angehalten.',
  saysReconnecting: 'Verbindet neu.',

  errors: {
    signIn:
      'Dash weiß nicht mehr, wer du bist. Melde dich neu an. Wenn das nicht hilft, sag es deiner Lehrerin oder deinem Lehrer.',
    forbidden:
      'Dein Konto darf das nicht benutzen. Sag es deiner Lehrerin oder deinem Lehrer, wenn es das dürfen sollte.',
    foreignPage:
      'Auf dieser Seite antwortet Dash nicht. Wer sie betreibt, muss die Adresse der Seite erlauben.',
    quota: 'Du hast fürs Erste alle Fragen gestellt, die dein Tarif erlaubt.',
    switchedOff: 'Dash ist gerade abgeschaltet. Deine Lehrerin oder dein Lehrer weiß, wann es wieder da ist.',
    tooMany: 'Das war viel auf einmal. Warte einen Augenblick und versuch es dann noch einmal.',
    busy: 'Gerade fragen viele. Versuch es gleich noch einmal.',
    notSetUp:
      'Dash kann gerade niemandem antworten: Der Dienst ist nicht eingerichtet oder nicht bezahlt. Wer ihn betreibt, muss sich darum kümmern.',
    brokeOff: 'Die Antwort ist abgebrochen.',
    slow: 'Die Antwort hat zu lange gedauert.',
    unreachable:
      'Dash war nicht zu erreichen. Prüfe die Verbindung und versuch es noch einmal. Wenn andere Seiten gehen, sag es deiner Lehrerin oder deinem Lehrer: Vielleicht hält das Netz der Schule Dash zurück.',
    tooLong: 'Die Frage ist zu lang. Kürze sie und sende sie noch einmal.',
    refused: 'Diese Frage konnte nicht beantwortet werden.',
  },
  quotaUntil: (when) => `Neue gibt es ab ${when}.`,
  allowOrigin: (origin) => `Trage ${origin} in ALLOWED_ORIGINS des Relays ein und starte es neu.`,
  kept: 'Was angekommen war, bleibt erhalten.',
};
