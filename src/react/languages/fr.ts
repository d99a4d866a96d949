/** `@dash-relay/client/react/languages/fr`: the assistant in French. */
import { counted, percent } from '../assistant/counted.ts';
import type { AssistantStrings, LimitOf } from '../assistant/strings.ts';

const questions = counted('fr', {
  one: 'encore # question',
  many: 'encore # de questions',
  other: 'encore # questions',
});
const percentage = percent('fr');
const today = ({ period }: LimitOf): string => (period === 'day' ? 'aujourd’hui' : 'ce mois-ci');

export const FRENCH: AssistantStrings = {
  locale: 'fr',
  direction: 'ltr',
  assistant: 'Dash',
  greeting: 'Sur quoi travaillons-nous ?',
  greetingDetail: 'Pose une question, prépare un cours ou fais tes devoirs étape par étape.',
  suggestions: 'Idées',
  starters: [
    {
      title: 'Expliquer la photosynthèse',
      detail: 'simplement, avec un exemple',
      prompt: 'Explique la photosynthèse à un enfant de dix ans, avec un exemple.',
    },
    {
      title: 'Préparer un cours',
      detail: 'les fractions, 45 minutes, CM2',
      prompt: 'Prépare un cours de 45 minutes sur les fractions pour le CM2.',
    },
    {
      title: 'Aider aux devoirs',
      detail: 'une étape après l’autre',
      prompt: 'Aide-moi à résoudre 3x + 7 = 22, une étape après l’autre.',
    },
    {
      title: 'Interroge-moi',
      detail: 'sur le système solaire',
      prompt: 'Pose-moi cinq questions sur le système solaire, avec les réponses à la fin.',
    },
  ],
  placeholder: 'Demande à Dash',
  send: 'Envoyer',
  stop: 'Arrêter la réponse',
  you: 'Toi',
  messages: 'Fil de la discussion',

  conversations: 'Discussions',
  newConversation: 'Nouvelle discussion',
  showConversations: 'Afficher les discussions',
  hideConversations: 'Fermer les discussions',
  noConversations: 'Tes discussions apparaîtront ici.',
  answering: 'Répond…',
  unread: 'Nouvelle réponse',
  unreadCount: counted('fr', {
    one: '# nouvelle réponse',
    many: '# de nouvelles réponses',
    other: '# nouvelles réponses',
  }),
  searchConversations: 'Rechercher une discussion',
  nothingFound: 'Rien trouvé',
  foundConversations: counted('fr', {
    one: '# discussion trouvée',
    many: '# de discussions trouvées',
    other: '# discussions trouvées',
  }),
  groups: { today: 'Aujourd’hui', yesterday: 'Hier', lastWeek: '7 derniers jours', older: 'Plus anciennes' },
  moreFor: (title) => `Plus d’options pour « ${title} »`,
  rename: 'Renommer',
  conversationName: 'Nom de la discussion',
  saveName: 'Enregistrer le nom',
  saveConversation: 'Enregistrer dans un fichier',
  print: 'Imprimer ou enregistrer en PDF',
  delete: 'Supprimer',
  deleteConversation: (title) => `Supprimer « ${title} »`,
  deleted: (title) => `« ${title} » a été supprimée.`,
  undo: 'Annuler la suppression',
  showEarlier: 'Afficher les messages précédents',
  jumpToLatest: 'Aller au plus récent',
  newText: 'Nouveau texte plus bas',

  connecting: 'Connexion…',
  thinking: 'Réfléchit…',
  thinkingThrough: 'Réfléchit en profondeur…',
  showThought: 'Afficher ses réflexions',
  hideThought: 'Masquer ses réflexions',
  lookingUp: 'Fait une recherche…',
  streaming: 'Écrit…',
  reconnecting: 'Reconnexion…',
  stopping: 'S’arrête…',
  stopped: 'Tu as arrêté cette réponse.',
  cutShort: 'Cette réponse a atteint sa longueur maximale.',
  declined: 'Dash ne peut pas t’aider pour cela. Demande autre chose, ou parles-en à un adulte de confiance.',
  refusals: {
    general_harms:
      'Dash ne répond pas à cela, car quelqu’un pourrait en souffrir. Si quelque chose t’inquiète, parle à un adulte de confiance. Tu peux plutôt demander comment se protéger.',
    cyber:
      'Dash n’aide pas à entrer dans des ordinateurs ou des comptes. Tu peux demander comment on les protège, ou comment marche un programme.',
    bio: 'Dash n’entre pas dans ce sujet, car une partie est dangereuse. Tu peux demander comment fonctionnent le corps, les plantes ou les médicaments en général.',
    reasoning_extraction:
      'Dash ne montre pas comment il travaille à l’intérieur. Tu peux lui demander d’expliquer la réponse étape par étape.',
    frontier_llm:
      'Dash n’aide pas à construire des systèmes comme lui. Tu peux demander comment les ordinateurs apprennent en général.',
  },
  changeQuestion: 'Modifier la question',
  nothingSaid: 'Dash n’a rien répondu. Redemande, ou dis-le avec d’autres mots.',
  offline: 'Tu es hors ligne. Tu pourras continuer dès que la connexion reviendra.',
  offlineAnswering: 'Tu es hors ligne. Ta réponse continuera dès que la connexion reviendra.',
  networkWaits:
    'Tu as un réseau, mais il ne laisse pas passer Dash. Sur le Wi-Fi d’une école, il faut parfois s’identifier d’abord : ouvre n’importe quelle page web. Dash continue d’essayer.',

  limitLeft: (left, of) =>
    of.scope === 'user'
      ? `Tu peux poser ${questions(left)} ${today(of)}.`
      : `Toute ton école ensemble peut poser ${questions(left)} ${today(of)}.`,
  limitUsed: (used, of) =>
    `${of.scope === 'user' ? 'Tu as' : 'Ton école a'} utilisé ${percentage(used)} de ce qu’on peut demander ${today(of)}.`,
  limitResets: (when) => `Cela recommence le ${when}.`,
  dismiss: 'Fermer cette note',

  canBeWrong: 'Dash est une IA et peut se tromper. Vérifie ce qui compte.',
  report: {
    open: 'Signaler cette réponse',
    title: 'Qu’est-ce qui ne va pas dans cette réponse ?',
    categories: {
      wrong: 'Elle est fausse',
      unkind: 'Elle est méchante',
      unsafe: 'Elle pourrait être dangereuse',
      private: 'Elle révèle quelque chose de privé',
      other: 'Autre chose',
    },
    detail:
      'Ton école apprend de quelle réponse il s’agit et qui la signale. Les mots ne sont envoyés que si tu coches la case.',
    withAnswer: 'Envoyer le texte de la réponse',
    withNote: 'Ajouter quelque chose',
    note: 'Ce que tu veux dire',
    send: 'Envoyer le signalement',
    sending: 'Envoi…',
    thanks: 'Merci. Ton signalement est arrivé.',
    failed: 'Le signalement n’a pas pu être envoyé. Vérifie ta connexion, puis réessaie.',
    tooMany: 'Tu as envoyé beaucoup de signalements. Attends un peu avant le prochain.',
    close: 'Fermer',
  },

  yourQuestion: 'Ta question',
  version: (which) => `Version n° ${which}`,
  previousVersion: 'Version précédente',
  nextVersion: 'Version suivante',
  continueAnswer: 'Continuer',
  continuePrompt: 'Continue exactement là où tu t’es arrêté. Ne répète rien de ce que tu as déjà dit.',
  continued: 'Suite',
  readAloud: 'Lire à voix haute',
  stopReading: 'Arrêter la lecture',
  retry: 'Réessayer',
  regenerate: 'Redemander',
  copy: 'Copier',
  copyAnswer: 'Copier la réponse',
  copyCode: 'Copier le code',
  copied: 'Copié',
  code: 'Code informatique',
  table: 'Tableau',
  image: 'Illustration',
  formula: 'Formule',
  footnote: (label) => `Note de bas de page ${label}`,
  backToText: 'Retour au texte',

  attach: 'Ajouter une photo ou un fichier',
  takePhoto: 'Prendre une photo',
  choosePhotos: 'Choisir des photos',
  chooseDocuments: 'Choisir un PDF',
  chooseFiles: 'Choisir des photos ou des PDF',
  dropHere: 'Dépose-le ici pour poser une question dessus',
  attached: 'Ajouté à ta question',
  photoNumber: (number) => `Photo n° ${number}`,
  documentNumber: (number) => `PDF n° ${number}`,
  pageCount: counted('fr', { one: '# page en tout', many: '# de pages en tout', other: '# pages en tout' }),
  preparingFile: 'Préparation…',
  sendingFile: 'Envoi…',
  fileReady: 'Prêt',
  sendsWhenReady: 'Ta question partira dès que tout sera prêt.',
  dontSendYet: 'Ne pas encore envoyer',
  describeHint: 'Qu’est-ce qu’on y voit ?',
  describeFile: (name) => `Que voit-on sur ${name} ? (facultatif)`,
  removeFile: (name) => `Retirer ${name}`,
  removeFailed: 'Quelque chose n’a pas pu être ajouté. Retire-le ou réessaie, puis envoie ta question.',
  tooManyFiles: counted('fr', {
    one: 'On ne peut en joindre que # à une question.',
    many: 'On ne peut en joindre que # à une question. Envoie d’abord ceux-ci.',
    other: 'On ne peut en joindre que # à une question. Envoie d’abord ceux-ci.',
  }),
  askAboutFiles: 'Aide-moi avec ceci, s’il te plaît.',
  enlarge: (what) => `Agrandir : ${what}`,
  closePhoto: 'Fermer',
  fileGone: 'non conservé, pour protéger ta vie privée',
  fileProblems: {
    heic: 'Ce type de photo (HEIC) ne peut pas être ouvert ici. Fais-en une capture d’écran et ajoute-la, ou enregistre la photo en JPEG.',
    drawing: 'C’est un dessin (SVG). Fais-en une capture d’écran et ajoute-la.',
    moving: 'Cette image bouge. Ajoute plutôt une photo ou une capture d’écran.',
    notPhoto: 'Ce n’est pas une photo. Prends la page en photo, ou fais une capture d’écran.',
    damaged: 'Impossible de l’ouvrir : le fichier est peut-être abîmé. Reprends la photo.',
    tooLarge: 'C’est trop grand. Prends en photo une partie plus petite.',
    noDocuments: 'Les PDF ne peuvent pas être lus ici. Prends plutôt la page en photo.',
    encrypted: 'Ce PDF a un mot de passe. Enregistre-le sans mot de passe, puis ajoute-le de nouveau.',
    tooManyPages:
      'Ce PDF a trop de pages. Enregistre seulement les pages dont tu as besoin, puis ajoute-les.',
    tooManyWaiting: 'Trop de photos attendent déjà. Attends quelques minutes, puis réessaie.',
    noCamera:
      'Dash n’a pas le droit d’utiliser l’appareil photo. Tu peux l’autoriser dans les réglages de ton appareil.',
    notTaken: 'On ne peut pas envoyer de photos ici. Écris plutôt ta question.',
    signIn: 'Tu es déconnecté. Reconnecte-toi, puis réessaie.',
    busy: 'L’envoi n’a pas marché cette fois. Réessaie dans un instant.',
    unreachable: 'L’envoi n’a pas marché. Vérifie ta connexion, puis réessaie.',
  },

  linkTitle: 'Ouvrir ce lien ?',
  linkDetail: (host) => `Il mène à ${host}, hors de cette application. Dash n’a pas vérifié la page.`,
  mailDetail: 'Il ouvre un nouveau message à cette adresse.',
  linkUnusual: 'L’adresse contient des lettres inhabituelles. Elle imite peut-être une page que tu connais.',
  openLink: 'Ouvrir le lien',
  cancel: 'Annuler',

  saysThinking: 'Dash réfléchit.',
  saysDone: 'Dash a répondu.',
  saysStopped: 'Arrêté.',
  saysReconnecting: 'Reconnexion en cours.',

  errors: {
    signIn:
      'Dash ne sait plus qui tu es. Connecte-toi de nouveau. Si cela ne suffit pas, dis-le à ton professeur.',
    forbidden: 'Ton compte n’a pas le droit d’utiliser cela. Dis-le à ton professeur s’il devrait l’avoir.',
    foreignPage:
      'Dash ne répond pas sur cette page. La personne qui s’en occupe doit autoriser l’adresse de la page.',
    quota: 'Tu as posé toutes les questions de ta formule pour l’instant.',
    switchedOff: 'Dash est éteint en ce moment. Ton professeur peut te dire quand il reviendra.',
    tooMany: 'Cela faisait beaucoup d’un coup. Attends un moment, puis réessaie.',
    busy: 'Beaucoup de personnes posent des questions en ce moment. Réessaie dans un instant.',
    notSetUp:
      'Dash ne peut répondre à personne en ce moment : son service n’est pas configuré ou pas payé. La personne qui s’en occupe doit y voir.',
    brokeOff: 'La réponse s’est interrompue.',
    slow: 'La réponse a pris trop de temps.',
    unreachable:
      'Impossible de joindre Dash. Vérifie ta connexion, puis réessaie. Si d’autres pages s’ouvrent, dis-le à ton professeur : le réseau de l’école bloque peut-être Dash.',
    tooLong: 'La question est trop longue. Raccourcis-la, puis renvoie-la.',
    refused: 'Cette question n’a pas pu recevoir de réponse.',
  },
  quotaUntil: (when) => `Tu en auras de nouvelles à partir du ${when}.`,
  allowOrigin: (origin) => `Ajoute ${origin} à ALLOWED_ORIGINS du relais, puis redémarre-le.`,
  kept: 'Ce qui était arrivé est gardé.',
};
