/**
 * The file of actions, which operators may replace (ACTIONS_FILE). Of what a client sends, a system prompt takes in the
 * declared parameters alone.
 */
import * as z from 'zod';
import { readJsonFile } from '../files/json-file.ts';
import { outputFormat } from '../models/output-format.ts';
import { modelSettings } from '../models/settings.ts';
import { parameters, templateProblems } from '../prompt/declarations.ts';
import { keepSetting } from '../quota/keep.ts';
import type { Actions } from '../run/request.ts';
import { checkTools, toolSettings } from './tool-settings.ts';

const { defaultMaxTokens, maxTokens, thinking } = modelSettings.shape;

const action = modelSettings
  .safeExtend({
    system: z.string(),
    parameters: parameters.optional(),
    defaultMaxTokens: defaultMaxTokens.unwrap(),
    maxTokens: maxTokens.unwrap(),
    thinking: thinking.unwrap().default('off'),
    outputFormat: outputFormat.optional(),
    allEvents: z.boolean().default(false),
    keep: keepSetting.optional(),
    ...toolSettings,
  })
  .superRefine(checkTools)
  // Asked only once each key is right by itself.
  .transform((template, context) => {
    for (const { path, message } of templateProblems(template))
      context.addIssue({ code: 'custom', path: [...path], message, input: template });
    return template;
  });

const actionsFile = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), action)
  .refine((actions) => Object.keys(actions).length > 0, 'must have at least one action');

/** The file that ships with the relay. */
const SHIPPED = new URL('../../config/actions.json', import.meta.url);

/**
 * Reads the actions file; without a name the shipped one.
 * @throws Error that names the file and every field that is wrong.
 */
export function loadActions(file: string | URL = SHIPPED): Actions {
  return new Map(Object.entries(readJsonFile('actions', file, actionsFile)));
}
