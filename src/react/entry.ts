/** What `@dash-relay/client/react` has everywhere: all but the assistant itself, whose parts come otherwise in browsers. */
export type { AttachmentOptions } from './assistant/attachments/attachment-options.ts';
export type { DashAssistantProps } from './assistant/dash-assistant.tsx';
export { describeFailure, type FailureWords } from './assistant/failure-text.ts';
export type { AnswerBlock, AnswerFormula } from './assistant/markdown/rendering.ts';
export type { SendReport } from './assistant/report-dialog.tsx';
export type { SpeakText } from './assistant/speech.ts';
export {
  type AssistantStringOverrides,
  type AssistantStrings,
  ENGLISH,
  type FailureKind,
  type LimitOf,
  type RefusalKind,
  type ReportStrings,
  type Suggestion,
} from './assistant/strings.ts';
export type { Palette } from './assistant/theme.ts';
export { DashProvider, type DashProviderProps, useConnection } from './dash-provider.tsx';
export { browserFiles } from './photos/browser-files.ts';
export { type ExpoPhotos, pickDocuments, pickPhotos, takePhoto } from './photos/expo-files.ts';
export type { AnswerState } from './store/answer-state.ts';
export type { Attachment, AttachmentProblem, ChosenFile, PreparedFile } from './store/attachment.ts';
export type { HeldFile } from './store/attachments.ts';
export type { ConnectionState } from './store/connection-store.ts';
export type { ConversationSnapshot, ConversationSummary } from './store/conversation-store.ts';
export type { RemovedConversation } from './store/conversations.ts';
export type { FrameScheduler } from './store/frames.ts';
export type { ExportedFile, Speakers } from './store/markdown-export.ts';
export type { Variants } from './store/message-tree.ts';
export type { AnswerMessage, AskOptions, ChatMessage, QuestionMessage } from './store/messages.ts';
export type { ConversationStorage } from './store/shared-text.ts';
export {
  type PendingAttachment,
  type PendingAttachments,
  useAttachments,
  useHeldFile,
} from './use-attachments.ts';
export {
  type Conversation,
  type ConversationList,
  useConversation,
  useConversations,
} from './use-conversations.ts';
export { type DashStreamState, useDashStream } from './use-dash-stream.ts';
export { useStreams } from './use-streams.ts';
