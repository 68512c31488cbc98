# Completion of alloctrace for bash:  source <(alloctrace completion bash)
_alloctrace() {
    local line=${COMP_LINE:0:COMP_POINT} word=${COMP_WORDS[COMP_CWORD]} suggestion
    COMPREPLY=()
    while IFS= read -r suggestion; do
        [[ $suggestion == "$word"* && $suggestion != /* ]] && COMPREPLY+=("$suggestion")
    done < <("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null)
}
complete -o default -F _alloctrace alloctrace
