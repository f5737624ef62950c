# Completion of onceproof for bash. What can be completed comes from the program itself as far as it says it.

_onceproof_names() {
  "$1" list scenarios 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_onceproof_defects() {
  "$1" list defects 2>/dev/null | awk 'NR > 1 { sub(":", "", $1); print $1 "." $2 }'
}

_onceproof() {
  local program=$1 word=$2 previous=$3 command=${COMP_WORDS[1]}
  COMPREPLY=()
  case $previous in
    --db | --junit | --markdown | --json | --out | --baseline | --input | --output | --kafka-history)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
      ;;
    --html)
      mapfile -t COMPREPLY < <(compgen -d -- "$word")
      return
      ;;
    --kafka)
      mapfile -t COMPREPLY < <(compgen -W 'mock model' -- "$word")
      return
      ;;
    --finding)
      mapfile -t COMPREPLY < <(compgen -W 'lost wrong phantom duplicated reordered stalled' -- "$word")
      return
      ;;
    --identity)
      mapfile -t COMPREPLY < <(compgen -W 'offset id key-value' -- "$word")
      return
      ;;
    --order)
      mapfile -t COMPREPLY < <(compgen -W 'none partition key' -- "$word")
      return
      ;;
    --aggregate)
      mapfile -t COMPREPLY < <(compgen -W 'count-by-key sum-by-key' -- "$word")
      return
      ;;
    --expect)
      mapfile -t COMPREPLY < <(compgen -W 'exactly-once at-least-once at-most-once' -- "$word")
      return
      ;;
    --strategy)
      mapfile -t COMPREPLY < <(compgen -W 'exhaustive random pct swarm' -- "$word")
      return
      ;;
    --depth)
      mapfile -t COMPREPLY < <(compgen -W '1 2 3' -- "$word")
      return
      ;;
    --seed | --jobs | --until | --budget | --time | --run | --record)
      return
      ;;
    --source)
      mapfile -t COMPREPLY < <(compgen -W 'kafka-receiver kafka-direct' -- "$word")
      return
      ;;
    --sink)
      mapfile -t COMPREPLY < <(compgen -W 'append upsert batch-uid offsets files' -- "$word")
      return
      ;;
    --crash)
      mapfile -t COMPREPLY < <(compgen -W 'none receiver receiver-executor other-executor driver-at-start driver cluster driver-twice' -- "$word")
      return
      ;;
  esac
  local words=''
  if ((COMP_CWORD == 1)); then
    words='run explore matrix defects replay explain shrink merge check report list --help --version'
  elif [[ $command == run && $word == -* ]]; then
    words='--kafka --seed --jobs --db --html --junit --markdown --json --baseline --quiet --no-color --help'
  elif [[ $command == explore && $word == -* ]]; then
    words='--strategy --depth --budget --time --db --html --resume --shard --kafka --seed --jobs --junit --markdown --json --baseline --quiet --help'
  elif [[ $command == matrix ]]; then
    words='--kafka --seed --jobs --source --sink --crash --protocol --depth --scenarios --db --html --junit --markdown --json --baseline --quiet --no-color --help'
  elif [[ $command == defects ]]; then
    words='--jobs --junit --markdown --json --quiet --help'
    [[ $word == -* ]] || words=$(_onceproof_defects "$program")
  elif [[ $command == replay && $word == -* ]]; then
    words='--kafka --events --trace --until --verify --junit --markdown --json --quiet --no-color --help'
  elif [[ $command == explain && $word == -* ]]; then
    words='--db --run --record --budget --kafka --json --help'
  elif [[ $command == shrink && $word == -* ]]; then
    words='--kafka --finding --out --budget --time --json --quiet --no-color --help'
  elif [[ $command == merge && $word == -* ]]; then
    words='--db --json --help'
  elif [[ $command == check ]]; then
    words='--input --output --identity --order --aggregate --expect --kafka-history --json --quiet --help'
  elif [[ $command == report ]]; then
    words='--db --html --run --help'
  elif [[ $command == list ]]; then
    words='scenarios pipelines points faults sinks defects protocol --markdown --help'
  elif [[ $command == run || $command == explore ]]; then
    words=$(_onceproof_names "$program")
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  if [[ $word != -* && ($command == run || $command == explore || $command == replay || $command == explain || $command == shrink || $command == merge) && $COMP_CWORD -gt 1 ]]; then
    local files
    mapfile -t files < <(compgen -f -- "$word")
    COMPREPLY+=("${files[@]}")
  fi
}

complete -o filenames -F _onceproof onceproof
