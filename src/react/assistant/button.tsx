/** What is pressed: an icon with a name for those who cannot see it, or a word. */
import { type Ref, useState } from 'react';
import { Pressable, StyleSheet, Text, type ViewStyle } from 'react-native';
import { Icon, type IconName } from './icon.tsx';
import { RADIUS, SPACE, TOUCH, TYPE } from './theme.ts';
import { type AssistantTheme, useAssistantTheme } from './theme-context.tsx';

type Tone = 'plain' | 'accent' | 'outline';

/** What can be given the focus by a program. */
export interface Focusable {
  focus(): void;
}

interface ButtonProps {
  readonly ref?: Ref<Focusable> | undefined;
  readonly onPress: () => void;
  readonly expanded?: boolean | undefined;
  readonly tone?: Tone;
  readonly disabled?: boolean;
}

interface Pointed {
  readonly pressed: boolean;
  /** In browsers. */
  readonly hovered?: boolean;
}

/** The ring of the keyboard's focus; browsers draw it only where the keyboard is in use. */
export function focusRing({ colors }: Pick<AssistantTheme, 'colors'>): ViewStyle {
  return { outlineColor: colors.accent, outlineOffset: 2 };
}

export function IconButton({
  icon,
  label,
  size: wanted = TOUCH,
  ...props
}: ButtonProps & { icon: IconName; label: string; size?: number }) {
  const theme = useAssistantTheme();
  const { tone = 'plain', disabled = false } = props;
  const color = tone === 'accent' ? theme.colors.onAccent : theme.colors.text;
  const size = theme.isTouched ? TOUCH : wanted;
  return (
    <Pressable
      ref={props.ref as Ref<never>}
      role="button"
      aria-label={label}
      aria-expanded={props.expanded}
      disabled={disabled}
      onPress={props.onPress}
      style={(pointed) => [
        styles.icon,
        { width: size, height: size },
        toneOf(theme, tone, pointed),
        disabled && styles.off,
      ]}
    >
      <Icon name={icon} color={color} size={Math.min(20, wanted * 0.5)} />
    </Pressable>
  );
}

/** `name`: for those who do not see to what it belongs; it contains the label. */
export function TextButton({
  label,
  name,
  icon,
  ...props
}: ButtonProps & { label: string; name?: string; icon?: IconName }) {
  const theme = useAssistantTheme();
  const { tone = 'plain', disabled = false } = props;
  const color =
    tone === 'accent' ? theme.colors.onAccent : tone === 'outline' ? theme.colors.text : theme.colors.muted;
  return (
    <Pressable
      ref={props.ref as Ref<never>}
      role="button"
      aria-label={name}
      aria-expanded={props.expanded}
      disabled={disabled}
      onPress={props.onPress}
      style={(pointed) => [
        styles.text,
        theme.isTouched && styles.touched,
        toneOf(theme, tone, pointed),
        disabled && styles.off,
      ]}
    >
      {icon && <Icon name={icon} color={color} size={16} />}
      <Text style={[TYPE.label, styles.label, { color }]}>{label}</Text>
    </Pressable>
  );
}

/** Says for a moment that it has copied. */
export function CopyButton({ text, label }: { text: string; label?: string }) {
  const { copy, strings } = useAssistantTheme();
  const [isCopied, setCopied] = useState(false);
  if (copy === undefined) return null;
  const onPress = (): void => {
    copy(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <TextButton
      icon={isCopied ? 'check' : 'copy'}
      label={isCopied ? strings.copied : (label ?? strings.copy)}
      onPress={onPress}
    />
  );
}

function toneOf({ colors }: AssistantTheme, tone: Tone, { pressed, hovered }: Pointed): ViewStyle {
  const ring = focusRing({ colors });
  const isPointed = pressed || hovered === true;
  if (tone === 'accent')
    return { ...ring, backgroundColor: isPointed ? colors.accentPressed : colors.accent };
  const backgroundColor = isPointed ? colors.raised : tone === 'outline' ? colors.surface : 'transparent';
  return tone === 'outline'
    ? { ...ring, backgroundColor, borderWidth: 1, borderColor: colors.outline }
    : { ...ring, backgroundColor };
}

const styles = StyleSheet.create({
  icon: { alignItems: 'center', justifyContent: 'center', borderRadius: RADIUS.full },
  text: {
    flexDirection: 'row',
    alignItems: 'center',
    gap: SPACE.s,
    minHeight: 36,
    paddingHorizontal: SPACE.m,
    borderRadius: RADIUS.m,
  },
  touched: { minHeight: TOUCH },
  label: { fontWeight: '500' },
  off: { opacity: 0.4 },
});
