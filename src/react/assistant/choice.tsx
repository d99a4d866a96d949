/** What is chosen: one of several, or whether something is wanted. By the keyboard as browsers' own are. */
import { useRef } from 'react';
import { Pressable, StyleSheet, Text, View } from 'react-native';
import { type Focusable, focusRing } from './button.tsx';
import { Icon } from './icon.tsx';
import { RADIUS, SPACE, TOUCH, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { onKeys } from './web-props.ts';

interface RadiosProps<T extends string> {
  readonly label: string;
  readonly options: Readonly<Record<T, string>>;
  readonly chosen: T | undefined;
  readonly onChoose: (option: T) => void;
}

export function Radios<T extends string>({ label, options, chosen, onChoose }: RadiosProps<T>) {
  const { direction } = useAssistantTheme();
  const names = Object.keys(options) as T[];
  const elements = useRef<Partial<Record<T, Focusable | null>>>({});
  const forwards: readonly string[] = ['ArrowDown', direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight'];
  const backwards: readonly string[] = ['ArrowUp', direction === 'rtl' ? 'ArrowRight' : 'ArrowLeft'];
  const move = (from: T, by: 1 | -1): void => {
    const next = names.at((names.indexOf(from) + by) % names.length);
    if (next === undefined) return;
    onChoose(next);
    elements.current[next]?.focus();
  };
  return (
    <View role="radiogroup" aria-label={label}>
      {names.map((name) => (
        <View
          key={name}
          {...onKeys(({ key }) => {
            if (key === ' ') onChoose(name);
            else if (forwards.includes(key)) move(name, 1);
            else if (backwards.includes(key)) move(name, -1);
            else return false;
            return true;
          })}
        >
          <Option
            role="radio"
            label={options[name]}
            isOn={name === chosen}
            isReached={name === (chosen ?? names[0])}
            onPress={() => onChoose(name)}
            hold={(element) => {
              elements.current[name] = element;
            }}
          />
        </View>
      ))}
    </View>
  );
}

interface CheckboxProps {
  readonly label: string;
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}

export function Checkbox({ label, isOn, onChange }: CheckboxProps) {
  const toggle = (): void => onChange(!isOn);
  const keys = onKeys(({ key }) => {
    if (key === ' ') toggle();
    return key === ' ';
  });
  return (
    <View {...keys}>
      <Option role="checkbox" label={label} isOn={isOn} isReached onPress={toggle} />
    </View>
  );
}

interface OptionProps {
  readonly role: 'radio' | 'checkbox';
  readonly label: string;
  readonly isOn: boolean;
  /** By the Tab key. */
  readonly isReached: boolean;
  readonly onPress: () => void;
  readonly hold?: (element: Focusable | null) => void;
}

function Option({ role, label, isOn, isReached, onPress, hold }: OptionProps) {
  const theme = useAssistantTheme();
  const { colors } = theme;
  return (
    <Pressable
      ref={hold as never}
      role={role}
      aria-checked={isOn}
      tabIndex={isReached ? 0 : -1}
      onPress={onPress}
      style={({ pressed, hovered }: { pressed: boolean; hovered?: boolean }) => [
        styles.option,
        focusRing(theme),
        (pressed || hovered) && { backgroundColor: colors.raised },
      ]}
    >
      <View
        style={[
          styles.mark,
          role === 'radio' ? styles.round : styles.square,
          { borderColor: isOn ? colors.accent : colors.outline },
          isOn && role === 'checkbox' && { backgroundColor: colors.accent },
        ]}
      >
        {isOn &&
          (role === 'radio' ? (
            <View style={[styles.dot, { backgroundColor: colors.accent }]} />
          ) : (
            <Icon name="check" color={colors.onAccent} size={14} />
          ))}
      </View>
      <Text style={[TYPE.body, styles.label, { color: colors.text }]}>{label}</Text>
    </Pressable>
  );
}

const styles = StyleSheet.create({
  option: {
    flexDirection: 'row',
    alignItems: 'center',
    gap: SPACE.m,
    minHeight: TOUCH,
    paddingHorizontal: SPACE.s,
    marginHorizontal: -SPACE.s,
    borderRadius: RADIUS.s,
  },
  mark: { width: 20, height: 20, borderWidth: 2, alignItems: 'center', justifyContent: 'center' },
  round: { borderRadius: 10 },
  square: { borderRadius: 5 },
  dot: { width: 10, height: 10, borderRadius: 5 },
  label: { flexShrink: 1 },
});
