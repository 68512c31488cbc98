#compdef alloctrace
# Completion of alloctrace for zsh:  source <(alloctrace completion zsh)
_alloctrace() {
    local line="${words[1,CURRENT]}"
    local -a suggestions
    suggestions=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2>/dev/null)}")
    suggestions=("${(@)suggestions:#/*}")
    suggestions=("${(@)suggestions:#}")
    if (( $#suggestions )); then
        compadd -- "${suggestions[@]}"
    fi
    [[ ${words[CURRENT]} == -* ]] || _files
}
compdef _alloctrace alloctrace
