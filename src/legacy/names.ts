/**
 * What the old functions called their actions. Each name is an action of this relay, or something that only the old
 * functions do. An operator's own action of the same name comes before both.
 */

/** Names of the old functions for actions of the shipped file. */
const ACTION_NAMES: ReadonlyMap<string, string> = new Map([
  ['chat_message', 'chat'],
  ['conversation', 'chat'],
  ['dash_ai', 'chat'],
  ['dash_conversation', 'chat'],
  ['general', 'general_assistance'],
  ['image_analysis', 'general_assistance'],
  ['vision_analysis', 'general_assistance'],
  ['document_analysis', 'general_assistance'],
  ['homework', 'homework_help'],
  ['homework_generation', 'homework_help'],
  ['lesson', 'lesson_generation'],
  ['lesson_planning', 'lesson_generation'],
  ['grading', 'grading_assistance'],
  ['grading_assistance_stream', 'grading_assistance'],
]);

/** What a body without an action asked for. */
const DEFAULT_NAME = 'dash_conversation';

/** What this relay does not serve, by the names that ask for it. Also the cause that the log has. */
export type NotServed =
  | 'client_tools'
  | 'embeddings'
  | 'image_generation'
  | 'ocr'
  | 'text_to_speech'
  | 'transcription'
  | 'web_search';

const NOT_SERVED: ReadonlyMap<string, NotServed> = new Map([
  ['embedding', 'embeddings'],
  ['embeddings', 'embeddings'],
  ['generate_embedding', 'embeddings'],
  ['generate_embeddings', 'embeddings'],
  ['create_image', 'image_generation'],
  ['generate_image', 'image_generation'],
  ['image_generation', 'image_generation'],
  ['ocr', 'ocr'],
  ['ocr_extraction', 'ocr'],
  ['text_extraction', 'ocr'],
  ['speech_synthesis', 'text_to_speech'],
  ['text_to_speech', 'text_to_speech'],
  ['tts', 'text_to_speech'],
  ['speech_to_text', 'transcription'],
  ['stt', 'transcription'],
  ['transcribe', 'transcription'],
  ['transcribe_audio', 'transcription'],
  ['transcription', 'transcription'],
  ['web_search', 'web_search'],
]);

export interface ActionOfName {
  /** As the body has it. */
  readonly name: string;
  /** As this relay has it: the operator's own, or one of the table; the name itself where it is in neither. */
  readonly action: string;
  /** Set where only the old functions do it. */
  readonly notServed: NotServed | undefined;
}

/** @param isAction whether this relay has an action of that name */
export function actionNamed(value: string | undefined, isAction: (name: string) => boolean): ActionOfName {
  const name = value ?? DEFAULT_NAME;
  if (isAction(name)) return { name, action: name, notServed: undefined };
  return { name, action: ACTION_NAMES.get(name) ?? name, notServed: NOT_SERVED.get(name) };
}

/** Which fields a body of that name has, whatever the operator calls the action. */
export function kindOfName(name: string): string {
  return ACTION_NAMES.get(name) ?? name;
}
